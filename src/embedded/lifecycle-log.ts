import { Internal } from '../domain/errors.ts';
import type { SessionId } from '../domain/ids.ts';
import { leavable } from '../domain/leavable.ts';
import type { LifecycleRecord } from '../domain/lifecycle-record.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Clock } from '../ports/clock.ts';
import type { Holder } from '../ports/lease-store.ts';
import type { Appended, ChainEntry, Decision, LifecycleLog, OpenEntry, ReadOptions, StandingDecision } from '../ports/lifecycle-log.ts';
import { systemJournalFiles, type JournalFiles } from './journal-files.ts';
import { GroupCommit } from './journal-group-commit.ts';
import { JournalIndex } from './journal-index.ts';
import { decodeLine, type JournalEntry } from './journal-line.ts';
import { CommitSignal, readLines } from './journal-reader.ts';
import { recoverJournal } from './journal-recovery.ts';
import { verifyJournal, type JournalReport } from './journal-scan.ts';
import { retainSegments } from './journal-retention.ts';
import type { JournalSegments } from './journal-segments.ts';
import type { OnNotice } from './notice.ts';

const DAY_MS = 24 * 3_600_000;
/** Longest timeout (24 h), grace of the unreachable (24 h), and seven days. */
const RETENTION_MS = 9 * DAY_MS;
const SEGMENT_BYTES = 16 * 1024 * 1024;
const QUEUE_MAX_BYTES = 64 * 1024 * 1024;
/** Segments a retention period is cut into at least, so that what is kept too long is a tenth of it. */
const SEGMENTS_PER_RETENTION = 10;

export interface JournalOptions {
  readonly clock: Clock;
  readonly onNotice: OnNotice;
  readonly retentionMs?: number;
  readonly segmentBytes?: number;
  readonly files?: JournalFiles;
}

/**
 * The lifecycle log of one process: an append-only journal, one line of JSON an entry, chained by SHA-256. A record that
 * is answered is synced, and so is the decision before it. Create-if-absent is decided against what is synced or on its
 * way, in the order of calls (I1).
 */
export class JournalLifecycleLog implements LifecycleLog {
  readonly #segments: JournalSegments;
  readonly #index: JournalIndex;
  readonly #commits = new CommitSignal();
  readonly #writer: GroupCommit;
  readonly #options: JournalOptions;

  private constructor(segments: JournalSegments, index: JournalIndex, options: JournalOptions) {
    const { clock, onNotice, retentionMs = RETENTION_MS } = options;
    this.#segments = segments;
    this.#index = index;
    this.#options = options;
    this.#writer = new GroupCommit(segments, index, {
      clock,
      onNotice,
      segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
      segmentAgeMs: retentionMs / SEGMENTS_PER_RETENTION,
      queueMaxBytes: QUEUE_MAX_BYTES,
      onCommit: async () => {
        this.#commits.wake();
        await this.#retain();
      },
    });
  }

  /** @throws Internal (`file`, `position`) when the journal is damaged */
  static async open(folder: string, options: JournalOptions): Promise<JournalLifecycleLog> {
    const { segments, ledger } = await recoverJournal(options.files ?? systemJournalFiles, folder, () => new JournalIndex(), options.onNotice);
    const log = new JournalLifecycleLog(segments, ledger, options);
    await log.#retain();
    return log;
  }

  /** Reads and verifies a journal folder, without a lock and without a change. */
  static verify(folder: string): Promise<JournalReport> {
    return verifyJournal(systemJournalFiles, folder);
  }

  /** False from a failed write on until the journal was repaired. */
  get isSound(): boolean {
    return this.#writer.isSound;
  }

  async append(n: number, record: LifecycleRecord, holder: Holder): Promise<Appended> {
    if ((n === 0) !== (record.event === 'opened')) throw new Internal(`Record ${n} of a chain cannot be "${record.event}": 0 and only 0 is "opened"`);
    await this.#writer.whenSound();
    const known = this.#index.get(record.tenant_id, record.session_id);
    const length = known?.positions.length ?? 0;
    // I1: nothing after a terminal record, which is always the last.
    const standsAt = n < length ? known?.positions[n] : known?.endedAt === undefined ? undefined : known.positions.at(-1);
    if (standsAt !== undefined) return { outcome: 'occupied', entry: asChainEntry(await this.#entryAt(standsAt)) };
    if (n > length) throw new Internal(`Record ${n} of session ${record.session_id} would leave a gap: ${length} is next`);
    // I2: one that was never synced may have been lost with another entry's write.
    if (n > 0 && known?.decisionPosition === undefined) return { outcome: 'undecided' };
    const placed = this.#writer.place({ kind: 'record', n, by: { node: holder.node, incarnation: holder.incarnation }, record });
    await placed.durable;
    return { outcome: 'created', entry: asChainEntry(placed.entry) };
  }

  async chain(tenant: Tenant, session: SessionId): Promise<readonly ChainEntry[]> {
    await this.#writer.whenSound();
    const positions = this.#index.get(tenant, session)?.positions ?? [];
    return (await Promise.all(positions.map((position) => this.#entryAt(position)))).map(asChainEntry);
  }

  async decide(decision: Decision): Promise<StandingDecision> {
    await this.#writer.whenSound();
    const standsAt = this.#index.get(decision.tenant, decision.session)?.decisionPosition;
    if (standsAt !== undefined) return asStanding(await this.#decisionAt(standsAt), false);
    // It stands for all from here on. Its proof is the record that follows, and whose sync it shares.
    return asStanding(this.#writer.placeUnhurried({ kind: 'decision', decision }).entry, true);
  }

  async decision(tenant: Tenant, session: SessionId): Promise<StandingDecision | undefined> {
    await this.#writer.whenSound();
    const standsAt = this.#index.get(tenant, session)?.decisionPosition;
    return standsAt === undefined ? undefined : asStanding(await this.#decisionAt(standsAt), false);
  }

  async *unfinished(): AsyncGenerator<OpenEntry> {
    await this.#writer.whenSound();
    for (const { tenant, session, positions, firstPosition } of this.#index.unfinished()) {
      const entry = await this.#entryAt(positions[0] ?? firstPosition);
      if (entry.kind === 'record' && entry.record.session_id === session) yield { tenant, session, openedBy: entry.by };
    }
  }

  read(tenant: Tenant, options: ReadOptions): AsyncIterable<ChainEntry> {
    return { [Symbol.asyncIterator]: () => leavable(options.signal, (signal) => this.#entries(tenant, options, signal)) };
  }

  /** Answers what was begun; followers get all that is durable and then end. */
  async close(): Promise<void> {
    await this.#writer.close();
    this.#commits.close();
    await this.#segments.close();
  }

  async *#entries(tenant: Tenant, options: ReadOptions, signal: AbortSignal): AsyncGenerator<ChainEntry> {
    const { from = 0, follow = false, session } = options;
    // Cheap and never wrong in the one direction that counts: a line of the tenant always holds these bytes.
    const needle = Buffer.from(session === undefined ? `"tenant_id":${JSON.stringify(tenant)}` : `"session_id":${JSON.stringify(session)}`);
    for await (const line of readLines(this.#segments, this.#commits, { from, follow, signal })) {
      if (!line.includes(needle)) continue;
      const decoded = decodeLine(line);
      // I8: an answer that would lack an entry is an error.
      if (!decoded.ok) throw new Internal(`An entry of the journal ${decoded.why}: run a verification of the data directory`);
      const { entry } = decoded;
      if (entry.kind !== 'record' || entry.record.tenant_id !== tenant) continue;
      if (session === undefined || entry.record.session_id === session) yield asChainEntry(entry);
    }
  }

  async #entryAt(position: number): Promise<JournalEntry> {
    const pending = this.#writer.pendingAt(position);
    if (pending === undefined) return this.#segments.read(position);
    await pending.durable;
    return pending.entry;
  }

  async #decisionAt(position: number): Promise<JournalEntry> {
    return this.#writer.pendingAt(position)?.entry ?? this.#segments.read(position);
  }

  /** Deletes from the oldest on what is over and old enough; never the segment being written. */
  async #retain(): Promise<void> {
    const { clock, retentionMs = RETENTION_MS, onNotice } = this.#options;
    await retainSegments(this.#segments, clock.wallMs() - retentionMs, onNotice, {
      isOver: (end, cutoffMs) => this.#index.allEndedBefore(end, cutoffMs),
      forget: (end) => this.#index.dropBefore(end),
    });
  }
}

function asChainEntry(entry: JournalEntry): ChainEntry {
  if (entry.kind !== 'record') throw new Internal(`Entry ${entry.offset} of the journal is a decision where a record belongs`);
  return { offset: entry.offset, n: entry.n, record: entry.record, by: entry.by };
}

function asStanding(entry: JournalEntry, won: boolean): StandingDecision {
  if (entry.kind !== 'decision') throw new Internal(`Entry ${entry.offset} of the journal is a record where a decision belongs`);
  return { decision: entry.decision, token: entry.offset, won };
}
