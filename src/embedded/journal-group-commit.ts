import { Internal, Unavailable, type MayflyError } from '../domain/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { JournalLedger } from './journal-index.ts';
import { encodeLine, LINE_MAX_BYTES, type EntryDraft, type JournalEntry } from './journal-line.ts';
import type { JournalSegments, PlacedLine } from './journal-segments.ts';
import type { OnNotice } from './notice.ts';

export interface GroupCommitOptions {
  readonly clock: Clock;
  readonly onNotice: OnNotice;
  /** A segment at or above this size is followed by a new one. */
  readonly segmentBytes: number;
  /** A segment whose first line is older is followed by a new one, so that retention gets hold of it. */
  readonly segmentAgeMs: number;
  /** Lines waiting for their sync, in bytes; above it a write is refused. */
  readonly queueMaxBytes: number;
  /** Called after each sync, before the next write; must not reject. */
  readonly onCommit: () => Promise<void>;
}

interface Pending extends PlacedLine {
  readonly bytes: Buffer;
  readonly position: number;
  readonly durable: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: MayflyError) => void;
}

/** An entry on its way to the disk. */
export interface Placed {
  readonly entry: JournalEntry;
  /** Resolves once synced; rejects with Unavailable when the journal failed: then the entry is not in it. */
  readonly durable: Promise<void>;
}

const BATCH_MAX_BYTES = 4 * 1024 * 1024;
const REPAIR_PAUSE_MS = 100;
/** What nobody waits for is synced with what comes next, or after this long. */
const UNHURRIED_MAX_MS = 50;

/**
 * Gives entries their place in the chain and makes them durable: all that wait share one write and one sync. Nothing
 * resolves before the sync of its line. After a failure everything waiting is rejected and taken back, and nothing is
 * taken until the file was cut back to its last durable line (`whenSound`).
 */
export class GroupCommit {
  readonly #segments: JournalSegments;
  readonly #ledger: JournalLedger;
  readonly #options: GroupCommitOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #queue: Pending[] = [];
  #queuedBytes = 0;
  /** Whether somebody waits for the sync of what is queued. */
  #isDue = false;
  #dueLater: unknown;
  #next: { offset: number; previous: string; position: number };
  #failure: Unavailable | undefined;
  #repairing: Promise<void> | undefined;
  #repairNotBeforeMs = 0;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(segments: JournalSegments, ledger: JournalLedger, options: GroupCommitOptions) {
    this.#segments = segments;
    this.#ledger = ledger;
    this.#options = options;
    this.#next = this.#afterDurable();
  }

  get isSound(): boolean {
    return this.#failure === undefined;
  }

  /** What is under way at `position`; undefined when it is durable. */
  pendingAt(position: number): Placed | undefined {
    return this.#pending.get(position);
  }

  /**
   * Repairs first when the last write failed.
   * @throws Unavailable while the journal cannot be written
   */
  async whenSound(): Promise<void> {
    if (this.#closed) throw new Unavailable('The lifecycle log is closed');
    if (this.#failure === undefined) return;
    await this.#running;
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#repairing === undefined && nowMs < this.#repairNotBeforeMs) throw this.#failure;
    this.#repairing ??= this.#repair().finally(() => (this.#repairing = undefined));
    await this.#repairing;
  }

  /** Places an entry, at once and in the order of calls. Call only right after `whenSound`, without an await between. */
  place(draft: EntryDraft): Placed {
    const placed = this.#enqueue(draft);
    this.#sync();
    return placed;
  }

  /**
   * As `place`, for an entry that counts from now on and need not be durable before what is placed after it: it shares
   * that one's sync. A failed write before that takes it away: whoever places what follows from it looks first.
   */
  placeUnhurried(draft: EntryDraft): Placed {
    const placed = this.#enqueue(draft);
    placed.durable.catch(() => undefined);
    this.#dueLater ??= this.#options.clock.setTimeout(() => this.#sync(), UNHURRIED_MAX_MS);
    return placed;
  }

  /** Takes nothing more; resolves when all that was taken is durable, or rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#sync();
    await this.#running;
    await this.#repairing?.catch(() => {});
  }

  #enqueue(draft: EntryDraft): Placed {
    if (this.#closed) throw new Unavailable('The lifecycle log is closed');
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#queuedBytes >= this.#options.queueMaxBytes) throw new Unavailable('Too much waits to be written to the journal: the disk is too slow');
    const entry: JournalEntry = { offset: this.#next.offset, at: this.#options.clock.wallMs(), previous: this.#next.previous, ...draft };
    const { bytes, hash } = encodeLine(entry);
    if (bytes.length > LINE_MAX_BYTES) throw new Internal(`A lifecycle entry of ${bytes.length} bytes is above ${LINE_MAX_BYTES}`, { max: LINE_MAX_BYTES });
    const { promise, resolve, reject } = deferred();
    const pending: Pending = { entry, hash, bytes, length: bytes.length, position: this.#next.position, durable: promise, resolve, reject };
    this.#next = { offset: entry.offset + 1, previous: hash, position: pending.position + bytes.length };
    this.#ledger.apply(entry, pending.position);
    this.#pending.set(pending.position, pending);
    this.#queue.push(pending);
    this.#queuedBytes += bytes.length;
    return pending;
  }

  #sync(): void {
    this.#options.clock.clearTimeout(this.#dueLater);
    this.#dueLater = undefined;
    if (this.#queue.length === 0) return;
    this.#isDue = true;
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // One turn of the event loop: whoever writes in this turn shares the sync.
    await Promise.resolve();
    try {
      while (this.#isDue && (await this.#commitBatch()));
    } finally {
      // In the same step as the look at the queue: a line placed later finds nobody at work and starts anew.
      this.#running = undefined;
    }
  }

  async #commitBatch(): Promise<boolean> {
    const batch = this.#takeBatch();
    this.#isDue = this.#queue.length > 0;
    try {
      await this.#rotateWhenFull();
      await this.#segments.append(Buffer.concat(batch.map(({ bytes }) => bytes)), batch);
    } catch (error) {
      this.#fail(batch, error);
      return false;
    }
    for (const { position, length } of batch) {
      this.#pending.delete(position);
      this.#queuedBytes -= length;
    }
    for (const { resolve } of batch) resolve();
    await this.#options.onCommit();
    return true;
  }

  #takeBatch(): Pending[] {
    let bytes = 0;
    let count = 0;
    for (const { length } of this.#queue) {
      if (count > 0 && bytes + length > BATCH_MAX_BYTES) break;
      bytes += length;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #rotateWhenFull(): Promise<void> {
    const { active } = this.#segments;
    const { segmentBytes, segmentAgeMs, clock } = this.#options;
    if (active.size === 0) return;
    if (active.size >= segmentBytes || clock.wallMs() - active.firstAt >= segmentAgeMs) await this.#segments.rotate();
  }

  #fail(batch: readonly Pending[], cause: unknown): void {
    const why = cause instanceof Error ? cause.message : String(cause);
    this.#failure = new Unavailable(`The lifecycle journal cannot be written: ${why}. Free space, or mend the disk; it is tried again`, {}, { cause });
    const lost = [...batch, ...this.#queue.splice(0)];
    this.#isDue = false;
    this.#pending.clear();
    this.#queuedBytes = 0;
    for (const { entry } of lost.toReversed()) this.#ledger.undo(entry);
    this.#next = this.#afterDurable();
    this.#options.onNotice({ kind: 'journal_failed', detail: this.#failure.message, fields: { entries: lost.length } });
    for (const { reject } of lost) reject(this.#failure);
  }

  async #repair(): Promise<void> {
    try {
      await this.#segments.repair();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      this.#repairNotBeforeMs = this.#options.clock.monotonicMs() + REPAIR_PAUSE_MS;
      this.#failure = new Unavailable(`The lifecycle journal could not be repaired: ${why}. It is tried again`, {}, { cause });
      throw this.#failure;
    }
    this.#failure = undefined;
    this.#options.onNotice({ kind: 'journal_repaired', detail: 'The lifecycle journal can be written again', fields: {} });
  }

  #afterDurable(): { offset: number; previous: string; position: number } {
    const { active, end } = this.#segments;
    return { offset: active.lastOffset + 1, previous: active.lastHash, position: end };
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: MayflyError) => void } {
  let resolve!: () => void;
  let reject!: (error: MayflyError) => void;
  const promise = new Promise<void>((onDone, onError) => {
    resolve = onDone;
    reject = onError;
  });
  return { promise, resolve, reject };
}
