import type { SessionId } from '../domain/ids.ts';

/** A short-lived claim on closing one session. It saves double work; no safety rests on it (the log decides). */
export interface Claim {
  /** Monotonic instant after which the claim must be taken as lapsed. */
  readonly validUntilMs: number;
  /** Gives the claim back early; never throws, a lapsed one is given back already. */
  release(): Promise<void>;
}

export interface ClaimLock {
  /**
   * One try, no waiting: undefined means that somebody else holds it. "Not granted" is a value, not an exception.
   * @throws Unavailable when it could not be asked
   */
  acquire(session: SessionId, ttlMs: number): Promise<Claim | undefined>;
}
