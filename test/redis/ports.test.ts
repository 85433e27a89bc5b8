import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe } from 'vitest';
import { claimLockConforms } from '../conformance/claim-lock.ts';
import { leaseStoreConforms } from '../conformance/lease-store.ts';
import { RedisFixture, clock } from './redis-fixture.ts';

let redis: RedisFixture;
beforeAll(async () => {
  redis = await RedisFixture.start();
});
afterAll(async () => redis.stop());

const CASES: readonly (readonly [name: string, hurt: () => Promise<void>])[] = [
  ['over three Redis masters', async () => undefined],
  ['over three Redis masters of which one is stopped', async () => redis.server(1).pause()],
  ['over three Redis masters of which one was killed', async () => redis.server(2).kill()],
];

describe.each(CASES)('%s', (name, hurt) => {
  leaseStoreConforms(name, async () => {
    await redis.reset();
    const { leases } = await redis.open();
    await hurt();
    return leases;
  });

  claimLockConforms(name, async () => {
    await redis.reset();
    const { claims } = await redis.open();
    await hurt();
    return { lock: claims, nowMs: () => clock.monotonicMs(), pass: async (ms) => delay(ms) };
  });
});
