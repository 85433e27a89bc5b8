import { createActor, fromPromise } from 'xstate';
import type { ActorRefFrom } from 'xstate';
import { LeaseLost, PartialDeletionFailure, SessionEnded, Unavailable, asMayflyError } from '../src/domain/errors.ts';
import type { MayflyError } from '../src/domain/errors.ts';
import type { SessionState } from '../src/domain/gateway.ts';
import { eventOfReason, isTerminal } from '../src/domain/lifecycle-record.ts';
import type { EndReason, LifecycleRecord } from '../src/domain/lifecycle-record.ts';
import type { Lease, TableCount } from '../src/ports/lease-store.ts';
import type { Slot, WorkerLoss, WorkOptions } from '../src/ports/table-engine.ts';
import { sessionMachine } from '../machines/session-machine.ts';
import type { SessionContext, TableLedger } from '../machines/session-machine.ts';
import { machineClock } from './machine-clock.ts';
import { Mailbox } from './mailbox.ts';
import type { Turn } from './mailbox.ts';
import { deleteTables, publish } from './session-closing.ts';
import type { SessionIdentity, SessionPorts } from './session-ports.ts';

/** When it was opened and how long it may last; all in ms, null for no bound. */
export interface SessionTimes {
  readonly createdAtMs: number;
  readonly timeoutMs: number | null;
  readonly idleTimeoutMs: number | null;
}

export interface WorkRequest {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** A piece of work that has its turn: it must be ended, whatever comes of it. */
export interface Work {
  readonly slot: Slot;
  readonly options: WorkOptions;
  /** Leaves the turn to the next one. */
  end(): void;
  /** The error a caller gets for `error`: the session's end, when that is what cut the work off. */
  explain(error: unknown): Promise<MayflyError>;
}

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
    const snapshot = this.#actor.getSnapshot();
    if (snapshot.matches('open')) return 'open';
    if (snapshot.matches('active')) return 'active';
    if (snapshot.matches('closing')) return this.#context.recordedSurvivors === null ? 'closing' : 'partial_failure';
    if (snapshot.matches('partialFailure')) return 'partial_failure';
    return snapshot.matches('closed') ? 'closed' : 'timed_out';
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
    if (this.#actor.getSnapshot().matches('active')) await this.#ports.leases.put(this.#lease());
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
        const error = this.#failureOf(snapshot.context);
        if (error === undefined) return;
        subscription.unsubscribe();
        reject(error);
      });
      void this.ended.then(() => subscription.unsubscribe());
    });
    return Promise.race([this.ended, failure]);
  }

  #failureOf(context: SessionContext): MayflyError | undefined {
    const snapshot = this.#actor.getSnapshot();
    if (snapshot.matches('partialFailure')) return this.#partialFailure(context);
    if (snapshot.matches({ closing: 'undecided' }) || snapshot.matches({ closing: 'unpublished' })) {
      const detail = 'The lifecycle log cannot be reached; the session is sealed and its end is being retried';
      return new Unavailable(detail, { session_id: this.identity.session }, { cause: context.error });
    }
    return undefined;
  }

  #partialFailure(context: SessionContext): PartialDeletionFailure {
    const failed = context.deletion?.surviving.length ?? context.ledger.tables.length;
    const fields = { session_id: this.identity.session, failed, total: context.ledger.tables.length };
    return new PartialDeletionFailure('Some tables could not be dropped yet; it is being retried, and close may be called again', fields, {
      cause: context.error,
    });
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
    throw this.#failureOf(this.#context) ?? new Unavailable('The session is closing; its record is not written yet', { session_id: this.identity.session });
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

  #lease(): Lease {
    const { ledger } = this.#context;
    return {
      holder: this.#ports.holder,
      session: this.identity.session,
      context: {
        v: 1,
        tenant: this.identity.tenant,
        deadline: this.expiresAtMs,
        tables: ledger.tables,
        created: ledger.created,
        dropped_rows: ledger.droppedRows,
        at_least: ledger.atLeast,
      },
    };
  }

  /** A count that cannot be noted does not fail the answer; the record will then say `at_least` (I6). */
  async #putLease(): Promise<void> {
    try {
      await this.#ports.leases.put(this.#lease());
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
        registerLease: fromPromise(() => ports.leases.put(this.#lease())),
        recordOpened: fromPromise(() => this.#recordOpened()),
        readOpened: fromPromise(async () => (await ports.log.chain(identity.tenant, identity.session)).length > 0),
        releaseSlot: fromPromise(() => this.#releaseUnopened()),
        readDecision: fromPromise(async () => (await ports.log.decision(identity.tenant, identity.session)) ?? null),
        claim: fromPromise(() => this.#claim()),
        decide: fromPromise(({ input: reason }) => this.#decide(reason)),
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
    const record: LifecycleRecord = {
      session_id: identity.session,
      tenant_id: identity.tenant,
      event: 'opened',
      occurred_at: new Date(times.createdAtMs).toISOString(),
      ephemeral_table_count: 0,
      deleted_row_count: 0,
    };
    await ports.log.append(0, record, ports.holder);
    return { remainingMs: times.timeoutMs === null ? null : Math.max(0, times.timeoutMs - this.ageMs()) };
  }

  /** Nothing was promised yet: the slot goes without a decision, under the token 0 that no decision ever has. */
  async #releaseUnopened(): Promise<void> {
    await this.#slot?.drop(0);
    await this.#ports.leases.remove(this.#ports.holder, this.identity.session);
  }

  async #claim(): Promise<boolean> {
    this.#mailbox.refuseWaiting(new Unavailable('The session is closing', { session_id: this.identity.session }));
    const claim = await this.#ports.claims.acquire(this.identity.session, this.#ports.limits.claimTtlMs);
    if (claim === undefined) return false;
    void this.ended.then(() => claim.release());
    return true;
  }

  async #decide(reason: EndReason): ReturnType<SessionPorts['log']['decide']> {
    const { tenant, session } = this.identity;
    const event = eventOfReason(reason);
    return this.#ports.log.decide({ tenant, session, event, reason, by: this.#ports.holder.node });
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

export function sessionEnded(record: LifecycleRecord): SessionEnded {
  return new SessionEnded(`The session has ended (${record.event}, ${record.details?.reason ?? 'no reason given'})`, { ended: record });
}
