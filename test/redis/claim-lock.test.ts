import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ClaimLock } from '../../src/ports/claim-lock.ts';
import { claimKey } from '../../src/redis/keys.ts';
import { newSession } from '../conformance/samples.ts';
import { clock, RedisFixture } from './redis-fixture.ts';

let redis: RedisFixture;
let claims: ClaimLock;

beforeAll(async () => {
  redis = await RedisFixture.start();
});
afterAll(async () => redis.stop());
beforeEach(async () => {
  await redis.reset();
  ({ claims } = await redis.open());
});

describe('a claim', () => {
  it('that lapsed before its answer came is not granted', async () => {
    const session = newSession();
    // The scripts are known from here on: one answer is enough.
    await (await claims.acquire(newSession(), 5_000))?.release();
    const askedMs = clock.monotonicMs();
    redis.server(0).pause();
    redis.server(1).pause();
    const claim = claims.acquire(session, 50);
    await delay(100);
    redis.server(0).resume();
    redis.server(1).resume();
    expect(await claim).toBeUndefined();
    expect(clock.monotonicMs() - askedMs).toBeLessThan(1_000);
  });

  it('is valid for less than was asked, counted from before the request', async () => {
    const askedMs = clock.monotonicMs();
    const claim = await claims.acquire(newSession(), 5_000);
    expect(claim!.validUntilMs).toBeLessThan(clock.monotonicMs() + 5_000);
    expect(claim!.validUntilMs).toBeGreaterThan(askedMs + 4_900);
  });

  it('that was split evenly, with one master stopped, is nobody’s, and leaves nothing behind', async () => {
    const session = newSession();
    await redis.client(0).set(claimKey(session), 'another node', 'PX', 60_000);
    redis.server(2).pause();
    const startedMs = performance.now();
    expect(await claims.acquire(session, 5_000)).toBeUndefined();
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(await redis.client(1).exists(claimKey(session))).toBe(0);
    expect(await redis.client(0).get(claimKey(session))).toBe('another node');
  });

  it('that no majority can be asked for rejects within a second', async () => {
    redis.server(0).pause();
    await redis.server(1).kill();
    const startedMs = performance.now();
    await expect(claims.acquire(newSession(), 5_000)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  it('of one node keeps others out until it is given back', async () => {
    const session = newSession();
    const other = (await redis.open()).claims;
    const claim = await claims.acquire(session, 5_000);
    expect(await other.acquire(session, 5_000)).toBeUndefined();
    await claim!.release();
    expect(await other.acquire(session, 5_000)).toBeDefined();
  });

  it('goes by itself on every master when nobody gives it back', async () => {
    const session = newSession();
    await claims.acquire(session, 100);
    for (const at of [0, 1, 2]) await expect.poll(async () => redis.client(at).dbsize()).toBe(0);
  });
});
