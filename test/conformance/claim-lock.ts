import { describe, expect, it } from 'vitest';
import type { ClaimLock } from '../../src/ports/claim-lock.ts';
import { newSession } from './samples.ts';

export interface ClaimLockUnderTest {
  readonly lock: ClaimLock;
  /** The monotonic clock by which claims lapse. */
  readonly nowMs: () => number;
  /** Lets that much time pass. */
  readonly pass: (ms: number) => Promise<void>;
}

/** What every claim lock must do. */
export function claimLockConforms(name: string, openOne: () => Promise<ClaimLockUnderTest>): void {
  describe(`the claim lock ${name}`, () => {
    it('gives a session to one of many at once', async () => {
      const { lock } = await openOne();
      const session = newSession();
      const claims = await Promise.all(Array.from({ length: 16 }, async () => lock.acquire(session, 5_000)));
      expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1);
      expect(await lock.acquire(newSession(), 5_000)).toBeDefined();
    });

    it('gives it again once it was released, as often as one likes', async () => {
      const { lock } = await openOne();
      const session = newSession();
      const first = await lock.acquire(session, 5_000);
      await first?.release();
      await first?.release();
      expect(await lock.acquire(session, 5_000)).toBeDefined();
    });

    it('lapses by itself, and is valid no longer than asked', async () => {
      const { lock, nowMs, pass } = await openOne();
      const session = newSession();
      const before = nowMs();
      const claim = await lock.acquire(session, 200);
      expect(claim?.validUntilMs).toBeLessThanOrEqual(nowMs() + 200);
      expect(claim?.validUntilMs).toBeGreaterThan(before);
      await pass(250);
      expect(await lock.acquire(session, 200)).toBeDefined();
    });

    it('does not let a lapsed claim release its successor', async () => {
      const { lock, pass } = await openOne();
      const session = newSession();
      const lapsed = await lock.acquire(session, 100);
      await pass(150);
      expect(await lock.acquire(session, 5_000)).toBeDefined();
      await lapsed?.release();
      expect(await lock.acquire(session, 5_000)).toBeUndefined();
    });
  });
}
