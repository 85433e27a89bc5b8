import Redlock, { ExecutionError, ResourceLockedError } from 'redlock';
import type { Client, Lock } from 'redlock';
import { Unavailable } from '../domain/errors.ts';
import type { SessionId } from '../domain/ids.ts';
import type { Claim, ClaimLock } from '../ports/claim-lock.ts';
import type { Clock } from '../ports/clock.ts';
import { claimKey } from './keys.ts';
import type { Master } from './master.ts';
import type { Masters } from './masters.ts';

/** Masters' clocks may run faster than this one by that share of the time, plus their precision. */
const DRIFT_FACTOR = 0.01;
const DRIFT_MS = 2;

/**
 * Claims by Redlock. It hands out locks that have already lapsed when answers were slow, and measures by the wall clock:
 * so what is left is measured here, on the monotonic clock, from before the request.
 */
export class RedlockClaimLock implements ClaimLock {
  readonly #redlock: Redlock;
  readonly #clock: Clock;

  constructor(masters: Masters, clock: Clock) {
    this.#clock = clock;
    this.#redlock = new Redlock(masters.all.map(boundedClient), { driftFactor: DRIFT_FACTOR, retryCount: 0 });
  }

  async acquire(session: SessionId, ttlMs: number): Promise<Claim | undefined> {
    const durationMs = Math.floor(ttlMs);
    const askedMs = this.#clock.monotonicMs();
    const lock = await this.#lock(session, durationMs);
    if (lock === undefined) return undefined;
    const validUntilMs = askedMs + durationMs - (durationMs * DRIFT_FACTOR + DRIFT_MS);
    const claim = { validUntilMs, release: () => release(lock) };
    if (this.#clock.monotonicMs() < validUntilMs) return claim;
    await claim.release();
    return undefined;
  }

  /** Undefined when a majority could be asked and none of it was for us: nobody may have won a split, and all ask again. */
  async #lock(session: SessionId, durationMs: number): Promise<Lock | undefined> {
    try {
      return await this.#redlock.acquire([claimKey(session)], durationMs);
    } catch (error) {
      if (!(error instanceof ExecutionError)) throw new Unavailable('A claim could not be asked for', { service: 'redis' }, { cause: error });
      const [votes] = await Promise.all(error.attempts);
      const against = [...(votes?.votesAgainst.values() ?? [])];
      const asked = (votes?.votesFor.size ?? 0) + against.filter((vote) => vote instanceof ResourceLockedError).length;
      if (votes !== undefined && asked >= votes.quorumSize) return undefined;
      const detail = `A majority of the Redis masters could not be asked for a claim: ${against.map(({ message }) => message).join('; ')}`;
      throw new Unavailable(detail, { service: 'redis' }, { cause: error });
    }
  }
}

/** Redlock waits for its clients as long as they do: these answer or fail within the bound of an operation. */
function boundedClient(master: Master): Client {
  return {
    evalsha: (sha1, keys, keysAndArgs) => master.ask(async (client) => client.evalsha(sha1, keys, ...keysAndArgs)),
    eval: (script, keys, keysAndArgs) => master.ask(async (client) => client.eval(script, keys, ...keysAndArgs)),
  };
}

/** A majority that does not know the lock any more has nothing to give back; the rest lapses. */
async function release(lock: Lock): Promise<void> {
  await lock.release().catch(() => undefined);
}
