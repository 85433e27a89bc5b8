import type { ClusterLinks } from './cluster/local-node.ts';
import type { Settings } from './config.ts';
import type { IdSource, SessionId } from './domain/ids.ts';
import type { DataDir } from './embedded/data-dir.ts';
import { openEmbedded } from './embedded/embedded.ts';
import type { ClaimLock } from './ports/claim-lock.ts';
import type { Clock } from './ports/clock.ts';
import type { Holder, LeaseStore } from './ports/lease-store.ts';
import type { LifecycleLog } from './ports/lifecycle-log.ts';
import type { Log } from './ports/log.ts';
import type { Metrics } from './ports/metrics.ts';
import type { LifePort } from './worker/life-port.ts';

/** What a node stands on: the adapters of one process, or those of a cluster. */
export interface NodeAdapters {
  readonly dataDir: DataDir;
  readonly holder: Holder;
  readonly leases: LeaseStore;
  readonly claims: ClaimLock;
  readonly log: LifecycleLog;
  readonly isPredecessor: (holder: Holder) => boolean;
  readonly lifePort?: LifePort;
  /** Begins to answer other nodes; `onRevoked` hears at once of decisions made elsewhere. */
  readonly listen?: (onRevoked: (session: SessionId) => void) => Promise<void>;
  readonly links?: Omit<ClusterLinks, 'peer'>;
  /** After the last session and worker are gone. */
  close(): Promise<void>;
}

export interface AdapterNeeds {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'journalFsync'>;
}

/** @throws DataDirLocked while another process holds `settings.dataDir` */
export async function openEmbeddedAdapters(settings: Settings, { clock, ids, log, metrics }: AdapterNeeds): Promise<NodeAdapters> {
  const embedded = await openEmbedded({
    dataDir: settings.dataDir,
    clock,
    ids,
    nodeId: settings.nodeId,
    retentionMs: settings.retentionMs ?? Number.MAX_SAFE_INTEGER,
    onSync: (seconds) => metrics.journalFsync(seconds),
    onNotice: ({ kind, detail, fields }) => log.warn({ kind, ...fields }, detail),
  });
  const { dataDir, leases, claims } = embedded;
  return {
    dataDir,
    holder: dataDir.holder,
    leases,
    claims,
    log: embedded.log,
    // Nobody else ever writes to the folder: whoever is not this run was one before it.
    isPredecessor: ({ incarnation }) => incarnation !== dataDir.holder.incarnation,
    close: () => embedded.close(),
  };
}
