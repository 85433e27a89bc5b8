import type { ActorRefFrom, SnapshotFrom } from 'xstate';
import { Unavailable, asMayflyError } from '../src/domain/errors.ts';
import type { SessionState } from '../src/domain/gateway.ts';
import type { StandingDecision } from '../src/domain/decision.ts';
import { isTerminal } from '../src/domain/lifecycle-record.ts';
import type { EndReason, LifecycleRecord } from '../src/domain/lifecycle-record.ts';
import type { Holder, TableCount } from '../src/ports/lease-store.ts';
import type { Slot, WorkerLoss, WorkOptions } from '../src/ports/table-engine.ts';
import type { sessionMachine } from '../machines/session-machine.ts';
import type { SessionContext } from '../machines/session-context.ts';
import { joinedSignal } from './joined-signal.ts';
import { Mailbox } from './mailbox.ts';
import type { Turn } from './mailbox.ts';
import type { Adoption } from './session-adoption.ts';
import { claim, decide, deleteTables, proveDeletion, publish } from './session-closing.ts';
import { SessionAdmission } from './session-admission.ts';
import { sessionActor } from './session-effects.ts';
import type { SessionEffects } from './session-effects.ts';
import { SessionIdleness } from './session-idleness.ts';
import { SessionLease } from './session-lease.ts';
import type { Leased } from './session-lease.ts';
import type { SessionIdentity, SessionPorts } from './session-ports.ts';
import { openedRecord } from './session-records.ts';
import { notOpened, stateOf } from './session-standing.ts';
import { failed, reached } from './session-watch.ts';
import type { SessionTimes, Work, WorkRequest } from './session-work.ts';

type Snapshot = SnapshotFrom<typeof sessionMachine>;

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
  readonly #adoption: Adoption | undefined;
  readonly #lease: SessionLease;
  readonly #admission: SessionAdmission;
  readonly #idleness: SessionIdleness;
  #times: SessionTimes;
  #slot: Slot | undefined;

  private constructor(ports: SessionPorts, identity: SessionIdentity, times: SessionTimes, adoption?: Adoption) {
    this.#ports = ports;
    this.#adoption = adoption;
    this.identity = identity;
    this.#times = times;
    this.#createdMonotonicMs = ports.clock.monotonicMs();
    this.#mailbox = new Mailbox(ports.limits.queueMax);
    const input = { remainingMs: times.timeoutMs, idleTimeoutMs: times.idleTimeoutMs, ...(adoption === undefined ? {} : { adopted: adoption }) };
    this.#actor = sessionActor(ports.clock, input, this.#effects());
    this.ended = new Promise((resolve) => {
      this.#actor.subscribe({
        complete: () => {
          const { record } = this.#context;
          if (record !== null && isTerminal(record)) void this.#settle(record).then(() => resolve(record));
          else ports.onAbandoned(identity);
        },
        error: (error) => ports.onTrouble('the session machine failed', identity, error),
      });
    });
    const leased = (): Leased => ({ deadlineMs: this.expiresAtMs, ledger: this.#context.ledger });
    this.#lease = new SessionLease(ports, this.holder, identity, leased);
    this.#idleness = new SessionIdleness(times.idleTimeoutMs, (event) => this.#actor.send(event));
    this.#admission = new SessionAdmission(ports, identity, () => this.#actor.getSnapshot(), this.ended);
  }

  /** Begins to open a session; `opened` tells when it is. */
  static open(ports: SessionPorts, identity: SessionIdentity, times: SessionTimes): SessionActor {
    const session = new SessionActor(ports, identity, times);
    session.#actor.start();
    return session;
  }

  /** Ends a session whose holder is gone. */
  static adopt(ports: SessionPorts, identity: SessionIdentity, adoption: Adoption): SessionActor {
    const times = { createdAtMs: adoption.openedAtMs, timeoutMs: null, idleTimeoutMs: null };
    const session = new SessionActor(ports, identity, times, adoption);
    session.#actor.start();
    return session;
  }

  /**
   * Resolves when `opened` stands in the log. A failure is told at once: what may have landed is pursued to its end
   * behind the caller's back.
   * @throws QuotaExceeded, Unavailable, NodeDraining: then no session was opened, or it is being ended
   */
  async opened(): Promise<void> {
    await reached(this.#actor, (snapshot) => !snapshot.matches('open') || snapshot.context.error !== null);
    const snapshot = this.#actor.getSnapshot();
    if (!snapshot.matches('active')) throw notOpened(snapshot, this.identity);
  }

  /** Whoever holds its tables: this node, or the one that is gone. */
  get holder(): Holder {
    return this.#adoption?.holder ?? this.#ports.holder;
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
    this.#idleness.bound(times.idleTimeoutMs);
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

  /** All that held its tables is known to be dead (I4): one that waits for this goes on. */
  proven(): void {
    this.#actor.send({ type: 'WORKER_LOST' });
  }

  /** Writes the lease anew, for a store that was emptied; one for which others may have decided asks the log first. */
  async writeBack(): Promise<void> {
    const settled = (snapshot: Snapshot): boolean => !snapshot.matches('active') || snapshot.matches({ active: { service: 'serving' } });
    await reached(this.#actor, settled);
    if (this.#actor.getSnapshot().matches('active')) await this.#lease.write();
  }

  /**
   * Takes the session's next turn.
   * @throws SessionBusy, SessionEnded, LeaseLost, PartialDeletionFailure, Unavailable
   */
  async begin(request: WorkRequest): Promise<Work> {
    await this.#admission.admit();
    const turn = await this.#mailbox.enter(request.signal).catch(async (refusal: unknown) => {
      // Turned away by the session's end: that is what the caller is to hear.
      if (request.signal?.aborted !== true) await this.#admission.admit();
      throw refusal;
    });
    try {
      await this.#admission.admit();
    } catch (error) {
      turn.leave();
      throw error;
    }
    this.#idleness.begin();
    return this.#work(turn, request);
  }

  /** Begins, runs and ends one piece of work. */
  async work<T>(request: WorkRequest, run: (slot: Slot, options: WorkOptions) => Promise<T>): Promise<T> {
    const work = await this.begin(request);
    try {
      const result = await run(work.slot, work.options);
      await this.#admission.confirm();
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
    await this.#noteLease();
  }

  /** Notes a table's rows; resolved before any answer that changed them. */
  async noteCount(count: TableCount): Promise<void> {
    this.#actor.send({ type: 'TABLE_NOTED', count });
    await this.#noteLease();
  }

  /**
   * Ends the session, or joins its end: the terminal record as the log holds it, whichever event it bears.
   * @throws PartialDeletionFailure when tables survive, Unavailable when the log is out of reach; both go on being
   *   retried, and `close` may be called again
   */
  async close(reason: EndReason): Promise<LifecycleRecord> {
    this.#actor.send({ type: 'CLOSE', reason });
    return Promise.race([this.ended, failed(this.#actor, this.identity)]);
  }

  #work(turn: Turn, request: WorkRequest): Work {
    const slot = this.#slot;
    if (slot === undefined) throw new Error('I7: an active session has its slot');
    let isOver = false;
    const joined = joinedSignal([this.#interrupt.signal, ...(request.signal === undefined ? [] : [request.signal])]);
    return {
      slot,
      options: {
        signal: joined.signal,
        timeoutMs: request.timeoutMs ?? this.#ports.limits.statementTimeoutMs,
        noteCount: (count) => this.noteCount(count),
      },
      end: () => {
        if (isOver) return;
        isOver = true;
        joined.release();
        this.#idleness.end();
        turn.leave();
      },
      explain: async (error) => {
        if (this.#admission.isOpen || request.signal?.aborted === true) return asMayflyError(error);
        return this.#admission.admit().then(
          () => asMayflyError(error),
          (refusal: unknown) => asMayflyError(refusal),
        );
      },
    };
  }

  async #noteLease(): Promise<void> {
    if (!(await this.#lease.note())) this.#actor.send({ type: 'NOTE_FAILED' });
  }

  #effects(): SessionEffects {
    const { ports, identity } = { ports: this.#ports, identity: this.identity };
    return {
      leave: () => ports.onAbandoned(identity),
      takeSlot: () => this.#takeSlot(),
      registerLease: () => this.#lease.write(),
      recordOpened: () => this.#recordOpened(),
      readOpened: async () => (await ports.log.chain(identity.tenant, identity.session)).length > 0,
      releaseSlot: () => this.#releaseUnopened(),
      readDecision: async () => (await ports.log.decision(identity.tenant, identity.session)) ?? null,
      claim: () => this.#claim(),
      decide: (reason) => this.#decide(reason),
      drainWork: () => this.#drainWork(),
      deleteTables: ({ decision, ledger }) =>
        this.#adoption === undefined ? deleteTables(this.#slot, decision, ledger) : proveDeletion(ports, identity, this.#adoption),
      publish: ({ decision, deletion, ledger }) => publish(ports, identity, decision, deletion, ledger),
    };
  }

  #claim(): Promise<boolean> {
    this.#mailbox.refuseWaiting(() => new Unavailable('The session is closing', { session_id: this.identity.session }));
    return claim(this.#ports, this.identity, this.ended);
  }

  async #decide(reason: EndReason): Promise<StandingDecision> {
    const standing = await decide(this.#ports, this.identity, reason);
    if (this.#adoption !== undefined) this.#ports.onDecided(this.#adoption.holder, this.identity);
    return standing;
  }

  async #takeSlot(): Promise<void> {
    const slot = await this.#ports.engine.openSlot(this.identity);
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
    await this.#lease.remove();
  }

  /**
   * What runs gets a moment to finish, then is interrupted; the engine bounds how long that takes (I5). Its reader may
   * have stopped reading, and would never let go of its turn: that holds up no end (I3).
   */
  async #drainWork(): Promise<void> {
    // Nothing begins any more, and the drop seals for itself.
    if (await this.#isIdleSoon()) return;
    this.#interrupt.abort(new Error('the session is closing'));
    await Promise.race([this.#slot?.seal(), this.#slot?.lost]);
    // What was answered meanwhile is noted before the tables are counted (I6).
    await this.#isIdleSoon();
  }

  /** Whether nothing runs any more, waited for within `closeGraceMs`. */
  async #isIdleSoon(): Promise<boolean> {
    const { clock, limits } = this.#ports;
    let timer: unknown;
    const tooLong = new Promise<false>((resolve) => {
      timer = clock.setTimeout(() => resolve(false), limits.closeGraceMs);
    });
    const isIdle = await Promise.race([this.#mailbox.idle().then(() => true), tooLong]);
    clock.clearTimeout(timer);
    return isIdle;
  }

  async #settle(record: LifecycleRecord): Promise<void> {
    await this.#lease.remove();
    this.#ports.onEnded(this.identity, record);
  }
}
