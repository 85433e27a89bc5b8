import type { SessionId } from '../domain/ids.ts';
import type { Claim, ClaimLock } from '../ports/claim-lock.ts';
import type { Clock } from '../ports/clock.ts';

/** Claims of one process: a map, and the monotonic clock for their end. */
export class EmbeddedClaimLock implements ClaimLock {
  readonly #clock: Clock;
  readonly #claims = new Map<SessionId, { readonly validUntilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async acquire(session: SessionId, ttlMs: number): Promise<Claim | undefined> {
    const nowMs = this.#clock.monotonicMs();
    this.#dropLapsed(nowMs);
    const standing = this.#claims.get(session);
    if (standing !== undefined && nowMs < standing.validUntilMs) return undefined;
    const own = { validUntilMs: nowMs + ttlMs };
    this.#claims.delete(session);
    this.#claims.set(session, own);
    return {
      validUntilMs: own.validUntilMs,
      release: async () => {
        // A lapsed claim may have been taken by somebody else since: only one's own is given back.
        if (this.#claims.get(session) === own) this.#claims.delete(session);
      },
    };
  }

  /** Oldest first, so a call looks at lapsed claims and one more: memory stays with the claims in force. */
  #dropLapsed(nowMs: number): void {
    for (const [session, claim] of this.#claims) {
      if (nowMs < claim.validUntilMs) return;
      this.#claims.delete(session);
    }
  }
}
