import { randomUUID } from 'node:crypto';
import { Internal, Unavailable } from '../domain/errors.ts';
import type { LifecycleRecord } from '../domain/lifecycle-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { Holder } from '../ports/lease-store.ts';
import type { Outbox, OutboxEntry } from '../ports/outbox.ts';
import { systemJournalFiles, type JournalFiles } from './journal-files.ts';
import { GroupCommit, type Placed } from './journal-group-commit.ts';
import { decodeLine, type EntryDraft } from './journal-line.ts';
import { CommitSignal, readLines } from './journal-reader.ts';
import { recoverJournal } from './journal-recovery.ts';
import { retainSegments } from './journal-retention.ts';
import type { JournalSegments } from './journal-segments.ts';
import type { OnNotice } from './notice.ts';
import { asOutboxEntry, OutboxLedger } from './outbox-ledger.ts';

const SEGMENT_BYTES = 16 * 1024 * 1024;
const QUEUE_MAX_BYTES = 64 * 1024 * 1024;
/** Segments a retention period is cut into at least, so that what is kept too long is a tenth of it. */
const SEGMENTS_PER_RETENTION = 10;
/** Records owed to a log that is out of reach: above it none is taken. */
const OWED_MAX = 100_000;
/** A settled line waits for the next kept one to share its sync, this long at most, in ms. */
const SETTLE_WAIT_MS = 1_000;
const SETTLES_MAX = 1_000;

export interface OutboxOptions {
  readonly clock: Clock;
  readonly onNotice: OnNotice;
  /** How long what is settled is kept, in ms: as long as the shared log keeps it. */
  readonly retentionMs: number;
  readonly segmentBytes?: number;
  readonly files?: JournalFiles;
}

/** The outbox as a journal of its own: the same lines, chain, syncs and repairs as those of the embedded lifecycle log. */
export class JournalOutbox implements Outbox {
  readonly #segments: JournalSegments;
  readonly #ledger: OutboxLedger;
  readonly #writer: GroupCommit;
  readonly #options: OutboxOptions;
  #settles: EntryDraft[] = [];
  #settling: unknown;

  private constructor(segments: JournalSegments, ledger: OutboxLedger, options: OutboxOptions) {
    const { clock, onNotice, retentionMs, segmentBytes = SEGMENT_BYTES } = options;
    this.#segments = segments;
    this.#ledger = ledger;
    this.#options = options;
    const segmentAgeMs = retentionMs / SEGMENTS_PER_RETENTION;
    this.#writer = new GroupCommit(segments, ledger, {
      clock,
      onNotice,
      segmentBytes,
      segmentAgeMs,
      queueMaxBytes: QUEUE_MAX_BYTES,
      onCommit: () => this.#retain(),
    });
  }

  /** @throws Internal (`file`, `position`) when it is damaged */
  static async open(folder: string, options: OutboxOptions): Promise<JournalOutbox> {
    const { segments, ledger } = await recoverJournal(options.files ?? systemJournalFiles, folder, () => new OutboxLedger(), options.onNotice);
    const outbox = new JournalOutbox(segments, ledger, options);
    await outbox.#retain();
    return outbox;
  }

  get latest(): OutboxEntry | undefined {
    return this.#ledger.latest;
  }

  get stream(): string | undefined {
    return this.#ledger.stream;
  }

  async keep(n: number, record: LifecycleRecord, holder: Holder): Promise<OutboxEntry> {
    await this.#writer.whenSound();
    const same = this.#ledger.same(n, record);
    if (same !== undefined) {
      await this.#writer.pendingAt(same.position)?.durable;
      return same.entry;
    }
    if (n > 0 && this.#ledger.owedCount >= OWED_MAX) {
      throw new Unavailable(`${OWED_MAX} records wait for the lifecycle log: no more are taken until it is back`, { limit: OWED_MAX });
    }
    this.#placeSettles();
    const placed = this.#writer.place({ kind: 'kept', n, append_id: randomUUID(), by: holder, record });
    await placed.durable;
    if (placed.entry.kind !== 'kept') throw new Internal('What was kept is a record');
    return asOutboxEntry(placed.entry);
  }

  settle(appendId: string, sequence: number): void {
    this.#note(this.#ledger.settle(appendId, sequence), sequence);
  }

  withdraw(appendId: string): void {
    this.#note(this.#ledger.withdraw(appendId), null);
  }

  owed(): readonly OutboxEntry[] {
    return this.#ledger.owed();
  }

  async *settled(): AsyncGenerator<OutboxEntry> {
    await this.#flushSettles();
    const kept = new Map<number, OutboxEntry>();
    const all = { from: 0, follow: false, signal: new AbortController().signal };
    for await (const line of readLines(this.#segments, new CommitSignal(), all)) {
      const decoded = decodeLine(line);
      if (!decoded.ok) throw new Internal(`An entry of the outbox ${decoded.why}: run a verification of the data directory`);
      const { entry } = decoded;
      if (entry.kind === 'kept') kept.set(entry.offset, asOutboxEntry(entry));
      if (entry.kind !== 'settled') continue;
      const settled = kept.get(entry.entry);
      kept.delete(entry.entry);
      if (settled !== undefined && entry.sequence !== null) yield settled;
    }
  }

  async adopt(stream: string | undefined): Promise<void> {
    await this.#writer.whenSound();
    // Settled before it, and so lines before it.
    this.#placeSettles();
    await this.#writer.place({ kind: 'stream', stream: stream ?? null }).durable;
  }

  async close(): Promise<void> {
    await this.#flushSettles();
    await this.#writer.close();
    await this.#segments.close();
  }

  #note(offset: number | undefined, sequence: number | null): void {
    if (offset === undefined) return;
    this.#settles.push({ kind: 'settled', entry: offset, sequence });
    if (this.#settles.length >= SETTLES_MAX) void this.#flushSettles();
    else this.#settling ??= this.#options.clock.setTimeout(() => void this.#flushSettles(), SETTLE_WAIT_MS);
  }

  async #flushSettles(): Promise<void> {
    try {
      await this.#writer.whenSound();
      await this.#placeSettles()?.durable;
    } catch {
      // A settled line that is lost is found settled again when its entry is looked for in the shared log.
    }
  }

  /** Call only right after `whenSound`. Returns the last of them; undefined when there is none. */
  #placeSettles(): Placed | undefined {
    this.#options.clock.clearTimeout(this.#settling);
    this.#settling = undefined;
    let placed: Placed | undefined;
    for (const draft of this.#settles.splice(0)) {
      placed = this.#writer.place(draft);
      placed.durable.catch(() => {});
    }
    return placed;
  }

  async #retain(): Promise<void> {
    const { clock, retentionMs, onNotice } = this.#options;
    await retainSegments(this.#segments, clock.wallMs() - retentionMs, onNotice, {
      isOver: (end) => !this.#ledger.owesBefore(end),
      forget: (end) => {
        if (this.#ledger.forgetBefore(end)) void this.adopt(this.#ledger.stream).catch(() => {});
      },
    });
  }
}
