import { createActor, fromPromise } from 'xstate';
import type { ActorRefFrom } from 'xstate';
import { LeaseLost, Unavailable, asMayflyError } from '../src/domain/errors.ts';
import type { SessionState } from '../src/domain/gateway.ts';
import { isTerminal } from '../src/domain/lifecycle-record.ts';
import type { EndReason, LifecycleRecord } from '../src/domain/lifecycle-record.ts';
import type { TableCount } from '../src/ports/lease-store.ts';
import type { Slot, WorkerLoss, WorkOptions } from '../src/ports/table-engine.ts';
import { sessionMachine } from '../machines/session-machine.ts';
import type { SessionContext } from '../machines/session-machine.ts';
import type { TableLedger } from '../machines/table-ledger.ts';
import { machineClock } from './machine-clock.ts';
import { Mailbox } from './mailbox.ts';
import type { Turn } from './mailbox.ts';
import { claim, decide, deleteTables, publish } from './session-closing.ts';
import { leaseOf } from './session-lease.ts';
import type { SessionIdentity, SessionPorts } from './session-ports.ts';
import { openedRecord } from './session-records.ts';
import { failureOf, sessionEnded, stateOf } from './session-standing.ts';
import type { SessionTimes, Work, WorkRequest } from './session-work.ts';

/** How long a call that comes too late waits for the record it is to bear, in ms. */
const ENDING_WAIT_MAX_MS = 5_000;

/** One session, brought to life: the machine decides, this carries it out over the ports. */
export class SessionActor {
  readonly identity: SessionIdentity;
  /** The session's terminal record, once it stands. Never rejects; pending for ever when the open was abandoned. */
  readonly ended: Promise<LifecycleRecord>;
  readonly #ports: SessionPorts;
  readonly #actor: ActorRefFrom<typeof sessionMachine>;
  readonly #mailbox: Mailbox;
  /** Aborted once the session closes: what still runs is interrupted. */
  readonly #interrupt = new AbortController();
  readonly #createdMonotonicMs: number;
  #times: SessionTimes;
  #slot: Slot | undefined;

  private constructor(ports: SessionPorts, identity: SessionIdentity, times: SessionTimes, adopted?: { reason: EndReason; ledger: TableLedger }) {
    this.#ports = ports;
    this.identity = identity;
    this.#times = times;
    this.#createdMonotonicMs = ports.clock.monotonicMs();
    this.#mailbox = new Mailbox(ports.limits.queueMax);
    this.#actor = createActor(this.#machine(), {
      clock: machineClock(ports.clock),
      input: { remainingMs: times.timeoutMs, idleTimeoutMs: times.idleTimeoutMs, ...(adopted === undefined ? {} : { adopted }) },
    });
    this.ended = new Promise((resolve) => {
      this.#actor.subscribe({
        complete: () => {
          const { record } = this.#context;
          if (record !== null && isTerminal(record)) void this.#settle(record).then(() => resolve(record));
        },
        error: (error) => ports.onTrouble('the session machine failed', identity, error),
      });
    });
  }

  /**
   * Opens a session; resolves when `opened` stands in the log.
   * @throws QuotaExceeded, Unavailable: then no session was opened, or it is being ended
   */
  static async open(ports: SessionPorts, identity: SessionIdentity, times: SessionTimes): Promise<SessionActor> {
    const session = new SessionActor(ports, identity, times);
    session.#actor.start();
    await session.#reached((state) => state !== 'open');
    if (session.#actor.getSnapshot().matches('active')) return session;
    throw asMayflyError(session.#context.error);
  }

  /** Ends a session whose holder and all its workers are dead for certain. */
  static adopt(ports: SessionPorts, identity: SessionIdentity, reason: EndReason, ledger: TableLedger): SessionActor {
    const times = { createdAtMs: ports.clock.wallMs(), timeoutMs: null, idleTimeoutMs: null };
    const session = new SessionActor(ports, identity, times, { reason, ledger });
    session.#actor.start();
    return session;
  }

  get #context(): SessionContext {
    return this.#actor.getSnapshot().context;
  }

  get times(): SessionTimes {
    return this.#times;
  }

  /** Tables now alive with their rows as last acknowledged. */
  get tables(): readonly TableCount[] {
    return this.#context.ledger.tables;
  }

  get state(): SessionState {
    return stateOf(this.#actor.getSnapshot());
  }

  /** The wall-clock deadline in ms since 1970; null for none. */
  get expiresAtMs(): number | null {
    return this.#times.timeoutMs === null ? null : this.#times.createdAtMs + this.#times.timeoutMs;
  }

  /** Milliseconds since the session was opened, on the monotonic clock. */
  ageMs(): number {
    return this.#ports.clock.monotonicMs() - this.#createdMonotonicMs;
  }

  /** New bounds, counted from creation. */
  extend(times: Pick<SessionTimes, 'timeoutMs' | 'idleTimeoutMs'>): void {
    this.#times = { ...this.#times, ...times };
    const remainingMs = times.timeoutMs === null ? null : Math.max(0, times.timeoutMs - this.ageMs());
    this.#actor.send({ type: 'EXTENDED', remainingMs, idleTimeoutMs: times.idleTimeoutMs });
  }

  touch(): void {
    this.#actor.send({ type: 'TOUCHED' });
  }

  /** Interrupts what runs; what waits goes on to its turn. */
  async cancel(): Promise<void> {
    await this.#slot?.interrupt();
  }

  fence(): void {
    this.#actor.send({ type: 'FENCED' });
  }

  restore(): void {
    this.#actor.send({ type: 'LEASE_RESTORED' });
  }

  revoke(): void {
    this.#actor.send({ type: 'REVOKED' });
  }

  /** Writes the lease anew, for a store that was emptied; a decided session stays out. */
  async writeBack(): Promise<void> {
    if (this.#actor.getSnapshot().matches('active')) await this.#writeLease();
  }

  /**
   * Takes the session's next turn.
   * @throws SessionBusy, SessionEnded, LeaseLost, PartialDeletionFailure, Unavailable
   */
  async begin(request: WorkRequest): Promise<Work> {
    await this.#admit();
    const turn = await this.#mailbox.enter(request.signal).catch(async (refusal: unknown) => {
      // Turned away by the session's end: that is what the caller is to hear.
      if (request.signal?.aborted !== true) await this.#admit();
      throw refusal;
    });
    try {
      await this.#admit();
    } catch (error) {
      turn.leave();
      throw error;
    }
    this.#actor.send({ type: 'WORK_BEGAN' });
    return this.#work(turn, request);
  }

  /** Begins, runs and ends one piece of work. */
  async work<T>(request: WorkRequest, run: (slot: Slot, options: WorkOptions) => Promise<T>): Promise<T> {
    const work = await this.begin(request);
    try {
      const result = await run(work.slot, work.options);
      work.end();
      return result;
    } catch (error) {
      work.end();
      throw await work.explain(error);
    }
  }

  /** Notes that a table was dropped before the end, with the rows that went with it. */
  async noteDropped(count: TableCount): Promise<void> {
    this.#actor.send({ type: 'TABLE_DROPPED', count });
    await this.#putLease();
  }

  /** Notes a table's rows; resolved before any answer that changed them. */
  async noteCount(count: TableCount): Promise<void> {
    this.#actor.send({ type: 'TABLE_NOTED', count });
    await this.#putLease();
  }

  /**
   * Ends the session, or joins its end: the terminal record as the log holds it, whichever event it bears.
   * @throws PartialDeletionFailure when tables survive, Unavailable when the log is out of reach; both go on being
   *   retried, and `close` may be called again
   */
  async close(reason: EndReason): Promise<LifecycleRecord> {
    this.#actor.send({ type: 'CLOSE', reason });
    const failure = new Promise<never>((_resolve, reject) => {
      const subscription = this.#actor.subscribe((snapshot) => {
        const error = failureOf(snapshot, this.identity);
        if (error === undefined) return;
        subscription.unsubscribe();
        reject(error);
      });
      void this.ended.then(() => subscription.unsubscribe());
    });
    return Promise.race([this.ended, failure]);
  }

  #work(turn: Turn, request: WorkRequest): Work {
    const slot = this.#slot;
    if (slot === undefined) throw new Error('I7: an active session has its slot');
    const signals = [this.#interrupt.signal, ...(request.signal === undefined ? [] : [request.signal])];
    return {
      slot,
      options: {
        signal: AbortSignal.any(signals),
        timeoutMs: request.timeoutMs ?? this.#ports.limits.statementTimeoutMs,
        noteCount: (count) => this.noteCount(count),
      },
      end: () => {
        turn.leave();
        this.#actor.send({ type: 'WORK_ENDED' });
      },
      explain: async (error) => {
        if (this.#isServing() || request.signal?.aborted === true) return asMayflyError(error);
        return this.#admit().then(
          () => asMayflyError(error),
          (refusal: unknown) => asMayflyError(refusal),
        );
      },
    };
  }

  #isServing(): boolean {
    return this.#actor.getSnapshot().matches({ active: { service: 'serving' } });
  }

  /** Lets work in, or says why not: with the terminal record if that comes soon. */
  async #admit(): Promise<void> {
    if (this.#isServing()) return;
    if (this.#actor.getSnapshot().matches('active')) {
      throw new LeaseLost('This node lost its lease and may not serve the session until it has asked the log; try again', {
        session_id: this.identity.session,
      });
    }
    const record = await this.#recordSoon();
    if (record !== undefined) throw sessionEnded(record);
    throw (
      failureOf(this.#actor.getSnapshot(), this.identity) ??
      new Unavailable('The session is closing; its record is not written yet', { session_id: this.identity.session })
    );
  }

  #recordSoon(): Promise<LifecycleRecord | undefined> {
    const { clock } = this.#ports;
    let timer: unknown;
    const tooLong = new Promise<undefined>((resolve) => {
      timer = clock.setTimeout(() => resolve(undefined), ENDING_WAIT_MAX_MS);
    });
    return Promise.race([this.ended, tooLong]).finally(() => clock.clearTimeout(timer));
  }

  #reached(isThere: (state: SessionState) => boolean): Promise<void> {
    if (isThere(this.state)) return Promise.resolve();
    return new Promise((resolve) => {
      const check = (): void => {
        if (!isThere(this.state)) return;
        subscription.unsubscribe();
        resolve();
      };
      const subscription = this.#actor.subscribe({ next: check, complete: check });
    });
  }

  #writeLease(): Promise<void> {
    const { leases, holder } = this.#ports;
    return leases.put(leaseOf(holder, this.identity, this.expiresAtMs, this.#context.ledger));
  }

  /** A count that cannot be noted does not fail the answer; the record will then say `at_least` (I6). */
  async #putLease(): Promise<void> {
    try {
      await this.#writeLease();
    } catch (error) {
      this.#actor.send({ type: 'NOTE_FAILED' });
      this.#ports.onTrouble('a table count could not be noted', this.identity, error);
    }
  }

  #machine(): typeof sessionMachine {
    const { ports, identity } = { ports: this.#ports, identity: this.identity };
    return sessionMachine.provide({
      actors: {
        takeSlot: fromPromise(() => this.#takeSlot()),
        registerLease: fromPromise(() => this.#writeLease()),
        recordOpened: fromPromise(() => this.#recordOpened()),
        readOpened: fromPromise(async () => (await ports.log.chain(identity.tenant, identity.session)).length > 0),
        releaseSlot: fromPromise(() => this.#releaseUnopened()),
        readDecision: fromPromise(async () => (await ports.log.decision(identity.tenant, identity.session)) ?? null),
        claim: fromPromise(() => {
          this.#mailbox.refuseWaiting(new Unavailable('The session is closing', { session_id: identity.session }));
          return claim(ports, identity, this.ended);
        }),
        decide: fromPromise(({ input: reason }) => decide(ports, identity, reason)),
        drainWork: fromPromise(() => this.#drainWork()),
        deleteTables: fromPromise(({ input }) => deleteTables(this.#slot, input.decision, input.ledger)),
        publish: fromPromise(({ input }) => publish(ports, identity, input.decision, input.deletion, input.ledger)),
      },
    });
  }

  async #takeSlot(): Promise<void> {
    const slot = await this.#ports.engine.openSlot({ ...this.identity, memoryLimitBytes: this.#ports.limits.memoryLimitBytes });
    this.#slot = slot;
    void slot.lost.then((loss) => this.#noteLoss(loss));
  }

  #noteLoss(loss: WorkerLoss): void {
    if (this.#actor.getSnapshot().status !== 'active') return;
    this.#ports.onTrouble(`the session's worker is gone (${loss.cause})`, this.identity, loss.detail);
    this.#actor.send({ type: 'WORKER_LOST' });
  }

  async #recordOpened(): Promise<{ remainingMs: number | null }> {
    const { ports, identity, times } = { ports: this.#ports, identity: this.identity, times: this.#times };
    await ports.log.append(0, openedRecord(identity, times.createdAtMs), ports.holder);
    return { remainingMs: times.timeoutMs === null ? null : Math.max(0, times.timeoutMs - this.ageMs()) };
  }

  /** Nothing was promised yet: the slot goes without a decision, under the token 0 that no decision ever has. */
  async #releaseUnopened(): Promise<void> {
    await this.#slot?.drop(0);
    await this.#ports.leases.remove(this.#ports.holder, this.identity.session);
  }

  /** What runs gets a moment to finish, then is interrupted; the engine bounds how long that takes (I5). */
  async #drainWork(): Promise<void> {
    const { clock, limits } = this.#ports;
    const timer = clock.setTimeout(() => this.#interrupt.abort(new Error('the session is closing')), limits.closeGraceMs);
    await this.#mailbox.idle();
    clock.clearTimeout(timer);
    await Promise.race([this.#slot?.seal(), this.#slot?.lost]);
  }

  async #settle(record: LifecycleRecord): Promise<void> {
    try {
      await this.#ports.leases.remove(this.#ports.holder, this.identity.session);
    } catch (error) {
      this.#ports.onTrouble('the lease of an ended session could not be removed', this.identity, error);
    }
    this.#ports.onEnded(this.identity, record);
  }
}
