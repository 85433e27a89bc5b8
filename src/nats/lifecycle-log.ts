import { randomUUID } from 'node:crypto';
import { Internal, Unavailable } from '../domain/errors.ts';
import type { SessionId } from '../domain/ids.ts';
import { leavable } from '../domain/leavable.ts';
import { isTerminal, SESSION_LIFECYCLE_TOPIC, type LifecycleRecord } from '../domain/lifecycle-record.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Clock } from '../ports/clock.ts';
import type { Holder } from '../ports/lease-store.ts';
import type { Appended, ChainEntry, Decision, LifecycleLog, OpenEntry, ReadOptions, StandingDecision } from '../ports/lifecycle-log.ts';
import type { Outbox, OutboxEntry } from '../ports/outbox.ts';
import { ChainHeads } from './chain-heads.ts';
import { createOnce, OTHERWISE, WHEN_OPENING } from './create-once.ts';
import type { JetStream, StoredMessage } from './jetstream.ts';
import { appendIdOf, decisionMessage, decisionOf, decisionSubject, entryOf, recordMessage, recordSubject } from './messages.ts';
import { readStream } from './stream-reader.ts';
import { DECISIONS_STREAM, LIFECYCLE_STREAM } from './streams.ts';
import { UnfinishedSessions } from './unfinished.ts';

/** Entries of a chain asked for at once: `opened` and its end, and a place to see that nothing follows. */
const CHAIN_STEP = 3;

export interface NatsLogOptions {
  readonly js: JetStream;
  readonly outbox: Outbox;
  readonly clock: Clock;
}

/**
 * The lifecycle log of a cluster: a message a record, under the subject of its place in the session's chain, created if
 * there is none (I1). What is written waits in the outbox, synced, until it stands here. Offsets and fencing tokens are
 * stream sequences.
 */
export class NatsLifecycleLog implements LifecycleLog {
  readonly #js: JetStream;
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #heads = new ChainHeads();
  readonly #unfinished: UnfinishedSessions;
  readonly #closing = new AbortController();

  constructor({ js, outbox, clock }: NatsLogOptions) {
    this.#js = js;
    this.#outbox = outbox;
    this.#clock = clock;
    this.#unfinished = new UnfinishedSessions(js, clock);
    js.link.onReconnected(() => this.#heads.clear());
  }

  async append(n: number, record: LifecycleRecord, holder: Holder): Promise<Appended> {
    if ((n === 0) !== (record.event === 'opened')) throw new Internal(`Record ${n} of a chain cannot be "${record.event}": 0 and only 0 is "opened"`);
    this.#assertOpen();
    if (n === 0) {
      // Nobody was promised anything yet: without a log there is no session, and nothing to keep.
      this.#js.link.assertConnected();
    } else {
      const standing = await this.#inTheWay(n, record).catch(async (error: unknown) => {
        // What was done is known here and nowhere else: it is kept, whatever the log says later.
        if (error instanceof Unavailable) await this.#outbox.keep(n, record, holder);
        throw error;
      });
      if (standing !== undefined) return { outcome: 'occupied', entry: standing };
    }
    return this.#publish(await this.#outbox.keep(n, record, holder));
  }

  async chain(tenant: Tenant, session: SessionId): Promise<readonly ChainEntry[]> {
    this.#assertOpen();
    const entries: ChainEntry[] = [];
    for (;;) {
      const step = Array.from({ length: CHAIN_STEP }, (_, i) => this.#entryAt(tenant, session, entries.length + i));
      for (const entry of await Promise.all(step)) {
        if (entry === undefined) return entries;
        entries.push(entry);
        if (isTerminal(entry.record)) return entries;
      }
    }
  }

  async decide(decision: Decision): Promise<StandingDecision> {
    this.#assertOpen();
    const { tenant, session } = decision;
    // I2: a session that was never opened has no end to decide.
    const isOpened = this.#heads.get(session) !== undefined || (await this.#entryAt(tenant, session, 0)) !== undefined;
    if (!isOpened) throw new Internal(`Session ${session} cannot be ended: the log does not hold that it was opened`);
    const created = await createOnce(this.#js, this.#clock, decisionMessage(decision, randomUUID()), OTHERWISE);
    return created.created ? { decision, token: created.sequence, won: true } : asStanding(created.standing);
  }

  async decision(tenant: Tenant, session: SessionId): Promise<StandingDecision | undefined> {
    this.#assertOpen();
    const standing = await this.#js.last(DECISIONS_STREAM, decisionSubject(tenant, session));
    return standing === undefined ? undefined : asStanding(standing);
  }

  async *unfinished(): AsyncGenerator<OpenEntry> {
    this.#assertOpen();
    yield* this.#unfinished.entries(this.#closing.signal);
  }

  read(tenant: Tenant, options: ReadOptions): AsyncIterable<ChainEntry> {
    const signal = options.signal === undefined ? this.#closing.signal : AbortSignal.any([options.signal, this.#closing.signal]);
    return { [Symbol.asyncIterator]: () => leavable(signal, (left) => this.#whole(tenant, options, left)) };
  }

  /** Followers end, replays are cut; what waits for an answer of NATS is rejected when the connection is closed. */
  close(): Promise<void> {
    this.#closing.abort();
    return Promise.resolve();
  }

  /** @throws Unavailable for a replay that the close may have left without its end (I8) */
  async *#whole(tenant: Tenant, options: ReadOptions, signal: AbortSignal): AsyncGenerator<ChainEntry> {
    yield* this.#entries(tenant, options, signal);
    if (options.follow !== true && options.signal?.aborted !== true) this.#assertOpen();
  }

  async *#entries(tenant: Tenant, options: ReadOptions, signal: AbortSignal): AsyncGenerator<ChainEntry> {
    const { from = 0, follow = false, session } = options;
    if (session !== undefined) {
      yield* this.#sessionEntries(tenant, session, { from, follow }, signal);
      return;
    }
    const filter = `${SESSION_LIFECYCLE_TOPIC}.${tenant}.>`;
    const messages = readStream(this.#js, this.#clock, { stream: LIFECYCLE_STREAM, filter, from, headersOnly: false, follow, signal });
    for await (const message of messages) {
      if (signal.aborted) return;
      yield entryOf(message);
    }
  }

  /** The chain by its places, and only what comes after by a filter: that costs the server a count of all it has to look at. */
  async *#sessionEntries(
    tenant: Tenant,
    session: SessionId,
    { from, follow }: { from: number; follow: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<ChainEntry> {
    let last = from - 1;
    const known = follow ? await this.#js.streamInfo(LIFECYCLE_STREAM) : undefined;
    for (const entry of await this.chain(tenant, session)) {
      if (signal.aborted) return;
      if (entry.offset <= last) continue;
      last = entry.offset;
      yield entry;
    }
    if (!follow) return;
    const filter = `${SESSION_LIFECYCLE_TOPIC}.${tenant}.${session}.>`;
    const next = Math.max(from, (known?.state.last_seq ?? 0) + 1);
    const messages = readStream(this.#js, this.#clock, { stream: LIFECYCLE_STREAM, filter, from: next, headersOnly: false, follow, signal });
    for await (const message of messages) {
      if (signal.aborted) return;
      if (message.sequence > last) yield entryOf(message);
    }
  }

  async #publish(kept: OutboxEntry): Promise<Appended> {
    const { appendId, n, record, holder: by } = kept;
    const created = await createOnce(this.#js, this.#clock, recordMessage(n, kept), n === 0 ? WHEN_OPENING : OTHERWISE);
    if (created.created) {
      const entry = { offset: created.sequence, n, record, by };
      this.#heads.note(entry);
      this.#outbox.settle(appendId, created.sequence);
      return { outcome: 'created', entry };
    }
    this.#outbox.withdraw(appendId);
    return { outcome: 'occupied', entry: this.#note(created.standing) };
  }

  /** What keeps record n from being written: what stands there, or the end of the session before it (I1). */
  async #inTheWay(n: number, { tenant_id: tenant, session_id: session }: LifecycleRecord): Promise<ChainEntry | undefined> {
    const head = this.#heads.get(session);
    if (head?.n === n - 1 && !head.isOver) return undefined;
    const known = head === undefined ? undefined : await this.#entryAt(tenant, session, Math.min(head.n, n));
    if (known !== undefined && (known.n === n || isTerminal(known.record))) return known;
    const before = await this.#entryAt(tenant, session, n - 1);
    if (before !== undefined) return isTerminal(before.record) ? before : undefined;
    const chain = await this.chain(tenant, session);
    const last = chain.at(-1);
    if (last !== undefined && isTerminal(last.record)) return last;
    throw new Internal(`Record ${n} of session ${session} would leave a gap: ${chain.length} is next`);
  }

  async #entryAt(tenant: Tenant, session: SessionId, n: number): Promise<ChainEntry | undefined> {
    const stored = await this.#js.last(LIFECYCLE_STREAM, recordSubject(tenant, session, n));
    return stored === undefined ? undefined : this.#note(stored);
  }

  /** Whoever reads what this node wrote knows that it stands, also when the answer to its publish was lost. */
  #note(stored: StoredMessage): ChainEntry {
    const entry = entryOf(stored);
    const appendId = appendIdOf(stored.headers);
    this.#heads.note(entry);
    if (appendId !== undefined) this.#outbox.settle(appendId, stored.sequence);
    return entry;
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new Unavailable('The lifecycle log is closed');
  }
}

function asStanding(stored: StoredMessage): StandingDecision {
  return { decision: decisionOf(stored), token: stored.sequence, won: false };
}
