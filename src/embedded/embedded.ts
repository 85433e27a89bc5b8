import type { IdSource } from '../domain/ids.ts';
import type { Clock } from '../ports/clock.ts';
import { EmbeddedClaimLock } from './claim-lock.ts';
import { openDataDir, type DataDir } from './data-dir.ts';
import { EmbeddedLeaseStore } from './lease-store.ts';
import { timedJournalFiles } from './journal-files.ts';
import { JournalLifecycleLog } from './lifecycle-log.ts';
import type { EmbeddedNotice } from './notice.ts';

export interface EmbeddedOptions {
  /** Made if it is not there; one process at a time. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly nodeId?: string;
  /** How long the journal keeps what has ended, in ms; 9 days by default. */
  readonly retentionMs?: number;
  /** Size above which the journal starts another file, in bytes; 16 MiB by default. */
  readonly segmentBytes?: number;
  /** Told how long each sync of the journal took; must not throw. */
  readonly onSync?: (seconds: number) => void;
  /** Told of repairs, failures and kills; must not throw. */
  readonly onNotice?: (notice: EmbeddedNotice) => void;
}

/** The adapters of one node in one process. */
export interface Embedded {
  readonly dataDir: DataDir;
  readonly log: JournalLifecycleLog;
  readonly leases: EmbeddedLeaseStore;
  readonly claims: EmbeddedClaimLock;
  /** Closes log and leases, then lets go of the folder: after the last worker is gone. */
  close(): Promise<void>;
}

/**
 * Locks the folder, kills what is left of the predecessor, and opens journal and leases. The predecessor's sessions
 * reappear in `leases` under its (node, incarnation), and in `log.unfinished()`.
 * @throws DataDirLocked, InvalidRequest (`data_dir`), Internal (a damaged journal)
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const onNotice = options.onNotice ?? (() => {});
  const { clock, ids, nodeId } = options;
  const dataDir = await openDataDir(options.dataDir, { clock, ids, onNotice, ...(nodeId === undefined ? {} : { nodeId }) });
  let leases: EmbeddedLeaseStore | undefined;
  try {
    const store = EmbeddedLeaseStore.open(dataDir.notesFolder, onNotice);
    leases = store;
    const log = await JournalLifecycleLog.open(dataDir.journalFolder, {
      clock,
      onNotice,
      ...(options.onSync === undefined ? {} : { files: timedJournalFiles(clock, options.onSync) }),
      ...(options.retentionMs === undefined ? {} : { retentionMs: options.retentionMs }),
      ...(options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }),
    });
    return {
      dataDir,
      log,
      leases: store,
      claims: new EmbeddedClaimLock(clock),
      close: async () => {
        try {
          await log.close();
          await store.close();
        } finally {
          await dataDir.release();
        }
      },
    };
  } catch (error) {
    await leases?.close();
    await dataDir.release();
    throw error;
  }
}
