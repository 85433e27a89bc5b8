import { Unavailable } from '../domain/errors.ts';
import { isTerminal, type LifecycleRecord } from '../domain/lifecycle-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { Outbox, OutboxEntry } from '../ports/outbox.ts';
import { createOnce, OTHERWISE } from './create-once.ts';
import type { JetStream, StoredMessage } from './jetstream.ts';
import { appendIdOf, entryOf, recordMessage, recordSubject } from './messages.ts';
import type { OnNotice } from './notice.ts';
import { LIFECYCLE_STREAM } from './streams.ts';

/** Entries looked at together, each session's in their order. */
const BATCH = 256;
const AGAIN_MS_MIN = 5_000;
const AGAIN_MS_MAX = 300_000;

export interface ReplayOptions {
  readonly js: JetStream;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly onNotice: OnNotice;
  /** How long the stream keeps records, in ms; null: for ever. */
  readonly retentionMs: number | null;
  /** Makes sure that the streams stand; tells the lifecycle stream from another of the same name. @throws Unavailable, InvalidRequest */
  readonly streamNow: () => Promise<string>;
}

type Placed = 'published' | 'stands' | 'superseded' | 'waits';
type Counts = Record<Placed, number>;

/**
 * Brings what the outbox holds into the stream: what an earlier run could not see settled, and, when the stream was
 * recreated or fell back, all that was settled in it. Nothing is doubled: an entry that stands, and one whose session
 * has its end, is left alone (I1).
 */
export class OutboxReplay {
  readonly #options: ReplayOptions;
  #running: Promise<void> | undefined;
  #timer: unknown;
  #againMs = AGAIN_MS_MIN;
  #isClosed = false;

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /**
   * Resolves when everything was tried; what has to wait for records that other nodes hold is tried again by itself.
   * @throws Unavailable; InvalidRequest for a stream that is not what it was
   */
  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Runs by itself, and again after a while when that fails. */
  wake(): void {
    this.#options.clock.clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.run().catch((error: unknown) => {
      if (this.#isClosed) return;
      this.#options.onNotice({ kind: 'replay_failed', detail: `Records wait in the outbox: ${String(error)}`, fields: {} });
      this.#wakeLater();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
    await this.#running?.catch(() => {});
  }

  async #run(): Promise<void> {
    const { outbox, onNotice } = this.#options;
    const stream = await this.#options.streamNow();
    const counts: Counts = { published: 0, stands: 0, superseded: 0, waits: 0 };
    const isDoubted = outbox.stream !== stream || (await this.#fellBack());
    if (isDoubted) {
      // In doubt until all was looked for, whatever happens in between.
      if (outbox.stream !== undefined) await outbox.adopt(undefined);
      for await (const batch of batches(outbox.settled())) await this.#placeAll(batch, counts);
      if (counts.published > 0)
        onNotice({ kind: 'stream_lost', detail: 'The lifecycle stream had lost records of this node: they are back', fields: { ...counts } });
      if (counts.waits === 0) await outbox.adopt(stream);
    }
    for await (const batch of batches(outbox.owed())) await this.#placeAll(batch, counts);
    if (counts.published > 0) onNotice({ kind: 'replayed', detail: `${counts.published} records of the outbox were published`, fields: { ...counts } });
    if (counts.waits > 0) {
      onNotice({
        kind: 'replay_waits',
        detail: `${counts.waits} records wait for earlier ones of their sessions, which other nodes hold`,
        fields: { ...counts },
      });
      this.#wakeLater();
    } else this.#againMs = AGAIN_MS_MIN;
  }

  /** Looks for the newest entry that stood: a stream that fell back lost that first. */
  async #fellBack(): Promise<boolean> {
    const { latest } = this.#options.outbox;
    if (latest === undefined || this.#isExpired(latest)) return false;
    const { n, record } = latest;
    for (let at = n; ; at += 1) {
      const standing = await this.#at(record, at);
      if (standing === undefined) return true;
      if (appendIdOf(standing.headers) === latest.appendId) return false;
    }
  }

  /** Sessions side by side, the entries of each in order. */
  async #placeAll(entries: readonly OutboxEntry[], counts: Counts): Promise<void> {
    const chains = new Map<string, OutboxEntry[]>();
    for (const entry of entries) chains.set(entry.record.session_id, [...(chains.get(entry.record.session_id) ?? []), entry]);
    await Promise.all(
      [...chains.values()].map(async (chain) => {
        for (const entry of chain) counts[await this.#place(entry)] += 1;
      }),
    );
  }

  /** Walks the session's chain from its start: to the entry itself, to what makes it needless, or to the lowest free n. */
  async #place(entry: OutboxEntry): Promise<Placed> {
    const { js, clock, outbox } = this.#options;
    for (let n = 0; ; n += 1) {
      if (this.#isClosed) throw new Unavailable('The lifecycle log is closed');
      let standing = await this.#at(entry.record, n);
      if (standing === undefined) {
        // I2: nothing stands before `opened`; the node that wrote it brings it back.
        if (n === 0 && entry.n > 0) return this.#wait(entry);
        const created = await createOnce(js, clock, recordMessage(n, entry), OTHERWISE);
        if (created.created) {
          outbox.settle(entry.appendId, created.sequence);
          return 'published';
        }
        standing = created.standing;
      }
      if (appendIdOf(standing.headers) === entry.appendId) {
        outbox.settle(entry.appendId, standing.sequence);
        return 'stands';
      }
      if (makesNeedless(entryOf(standing).record, entry)) {
        outbox.withdraw(entry.appendId);
        return 'superseded';
      }
    }
  }

  #wait(entry: OutboxEntry): Placed {
    if (!this.#isExpired(entry)) return 'waits';
    this.#options.outbox.withdraw(entry.appendId);
    return 'superseded';
  }

  #at({ tenant_id: tenant, session_id: session }: LifecycleRecord, n: number): Promise<StoredMessage | undefined> {
    return this.#options.js.last(LIFECYCLE_STREAM, recordSubject(tenant, session, n));
  }

  /** Whether the stream may have let go of it, its time being over. */
  #isExpired({ keptAt }: OutboxEntry): boolean {
    const { retentionMs, clock } = this.#options;
    return retentionMs !== null && clock.wallMs() - keptAt >= retentionMs;
  }

  #wakeLater(): void {
    this.#options.clock.clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.setTimeout(() => this.wake(), this.#againMs);
    this.#againMs = Math.min(this.#againMs * 2, AGAIN_MS_MAX);
  }
}

/** The session's end, another `opened`, or the same words at another time: a partial failure is not said twice. */
function makesNeedless(standing: LifecycleRecord, { n, record }: OutboxEntry): boolean {
  const words = ({ occurred_at: _, ...said }: LifecycleRecord): string => JSON.stringify(said);
  return isTerminal(standing) || n === 0 || words(standing) === words(record);
}

async function* batches(entries: AsyncIterable<OutboxEntry> | Iterable<OutboxEntry>): AsyncGenerator<readonly OutboxEntry[]> {
  let batch: OutboxEntry[] = [];
  for await (const entry of entries) {
    batch.push(entry);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
