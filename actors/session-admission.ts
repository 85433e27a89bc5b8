import type { SnapshotFrom } from 'xstate';
import type { sessionMachine } from '../machines/session-machine.ts';
import { LeaseLost, Unavailable } from '../src/domain/errors.ts';
import type { LifecycleRecord } from '../src/domain/lifecycle-record.ts';
import type { SessionIdentity, SessionPorts } from './session-ports.ts';
import { failureOf, sessionEnded } from './session-standing.ts';

/** How long a call that comes too late waits for the record it is to bear, in ms. */
const ENDING_WAIT_MAX_MS = 5_000;
/** How long work that was done waits to be acknowledged while its node is fenced, and how often it looks, in ms. */
const CONFIRMING_MAX_MS = 30_000;
const CONFIRMING_LOOK_MS = 20;

/** Whether a session takes work now, and if not, why not (I5). */
export class SessionAdmission {
  readonly #ports: Pick<SessionPorts, 'clock' | 'isFenced'>;
  readonly #identity: SessionIdentity;
  readonly #snapshot: () => SnapshotFrom<typeof sessionMachine>;
  readonly #ended: Promise<LifecycleRecord>;

  constructor(
    ports: Pick<SessionPorts, 'clock' | 'isFenced'>,
    identity: SessionIdentity,
    snapshot: () => SnapshotFrom<typeof sessionMachine>,
    ended: Promise<LifecycleRecord>,
  ) {
    this.#ports = ports;
    this.#identity = identity;
    this.#snapshot = snapshot;
    this.#ended = ended;
  }

  get isOpen(): boolean {
    return !this.#ports.isFenced() && this.#snapshot().matches({ active: { service: 'serving' } });
  }

  /** Lets work in, or says why not: with the terminal record if that comes soon. */
  async admit(): Promise<void> {
    if (this.isOpen) return;
    if (this.#snapshot().matches('active')) throw this.#leaseLost();
    const record = await this.#recordSoon();
    if (record !== undefined) throw sessionEnded(record);
    const detail = 'The session is closing; its record is not written yet';
    throw failureOf(this.#snapshot(), this.#identity) ?? new Unavailable(detail, { session_id: this.#identity.session });
  }

  /**
   * Lets work be acknowledged that is done. A fence that fell meanwhile is waited out: were the caller told to try again,
   * it would be done twice. Once the log was asked it counts, or is gone with the session (I5).
   * @throws LeaseLost when that takes too long; SessionEnded when others decided
   */
  async confirm(): Promise<void> {
    const { clock } = this.#ports;
    const untilMs = clock.monotonicMs() + CONFIRMING_MAX_MS;
    while (this.#isInDoubt) {
      if (clock.monotonicMs() >= untilMs) throw this.#leaseLost();
      await new Promise<void>((resolve) => clock.setTimeout(resolve, CONFIRMING_LOOK_MS));
      // Others decided, and its rows are gone with it.
      if (!this.#snapshot().matches('active')) await this.admit();
    }
  }

  /** Whether others may have decided: fenced now, or not yet told by the log what became of it meanwhile. */
  get #isInDoubt(): boolean {
    const snapshot = this.#snapshot();
    return this.#ports.isFenced() || (snapshot.matches('active') && !snapshot.matches({ active: { service: 'serving' } }));
  }

  #leaseLost(): LeaseLost {
    const detail = 'This node lost its lease and may not serve the session until it has asked the log; try again';
    return new LeaseLost(detail, { session_id: this.#identity.session });
  }

  #recordSoon(): Promise<LifecycleRecord | undefined> {
    const { clock } = this.#ports;
    let timer: unknown;
    const tooLong = new Promise<undefined>((resolve) => {
      timer = clock.setTimeout(() => resolve(undefined), ENDING_WAIT_MAX_MS);
    });
    return Promise.race([this.#ended, tooLong]).finally(() => clock.clearTimeout(timer));
  }
}
