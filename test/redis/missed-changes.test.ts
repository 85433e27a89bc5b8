import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SessionId } from '../../src/domain/ids.ts';
import type { Holder, LeaseStore } from '../../src/ports/lease-store.ts';
import { holderField, leasesKey, FORGOTTEN, FORGOTTEN_ORDER, HOLDERS } from '../../src/redis/keys.ts';
import { contextOf, newHolder, newSession } from '../conformance/samples.ts';
import { RedisFixture } from './redis-fixture.ts';

let redis: RedisFixture;
let leases: LeaseStore;
let holder: Holder;

beforeAll(async () => {
  redis = await RedisFixture.start({ persistent: true });
});
afterAll(async () => redis.stop());
beforeEach(async () => {
  await redis.reset();
  ({ leases } = await redis.open());
  holder = newHolder();
});

async function put(session: SessionId): Promise<SessionId> {
  await leases.put({ holder, session, context: contextOf(1) });
  return session;
}

/** Makes the last master miss something; then one that knows is stopped, so that a majority needs the one that does not. */
async function away(during: () => Promise<void>): Promise<void> {
  const standsAt = async (at: number): Promise<readonly unknown[]> => [
    await redis.client(at).hget(HOLDERS, holderField(holder)),
    await redis.client(at).hlen(leasesKey(holderField(holder))),
  ];
  await expect.poll(async () => new Set((await Promise.all([0, 1, 2].map(standsAt))).map(String)).size).toBe(1);
  await redis.server(2).kill();
  await during();
  await redis.server(2).start();
  redis.server(0).pause();
}

/** Sessions the last master holds, read behind the store's back. */
async function heldByTheLast(): Promise<readonly string[]> {
  return redis.client(2).hkeys(leasesKey(holderField(holder)));
}

describe('what a master missed', () => {
  it('brings no lease back that was removed, by its holder or for a dead one', async () => {
    const [own, adopted] = [await put(newSession()), await put(newSession())];
    await leases.heartbeat(holder, 1);
    const other = await redis.open();
    await away(async () => {
      await leases.remove(holder, own);
      await other.leases.remove(holder, adopted);
    });
    expect(await heldByTheLast()).toHaveLength(2);
    for (const reader of [other.leases, (await redis.open()).leases]) {
      for (const session of [own, adopted]) await expect.poll(async () => reader.find(session).catch(() => 'unavailable')).toBeUndefined();
      expect(await reader.leases(holder)).toEqual([]);
    }
  });

  it('brings no holder back that was forgotten, and is forgotten there as well', async () => {
    const session = await put(newSession());
    await leases.heartbeat(holder, 1);
    const other = await redis.open();
    await away(async () => {
      await other.leases.remove(holder, session);
      expect(await other.leases.forget(holder)).toBe(true);
    });
    expect(await redis.client(2).hlen(HOLDERS)).toBe(1);
    await expect.poll(async () => other.leases.find(session).catch(() => 'unavailable')).toBeUndefined();
    await expect.poll(async () => other.leases.holders().catch(() => 'unavailable')).toEqual([]);
    await expect.poll(async () => redis.client(2).keys('*')).toEqual(expect.arrayContaining([FORGOTTEN, FORGOTTEN_ORDER]));
    expect(await redis.client(2).dbsize()).toBe(2);
  });

  it('does not hide a holder that was forgotten while it slept', async () => {
    await leases.heartbeat(holder, 1);
    await leases.heartbeat(holder, 2);
    const other = await redis.open();
    expect(await other.leases.forget(holder)).toBe(true);
    expect(await other.leases.holders()).toEqual([]);
    expect((await leases.heartbeat(holder, 3)).previousSeen).toBe(false);
    const session = await put(newSession());
    expect(await other.leases.holders()).toEqual([{ holder, counter: 3 }]);
    expect(await other.leases.find(session)).toBeDefined();
    expect(await other.leases.leases(holder)).toHaveLength(1);
  });

  it('shows the latest version, whoever has it', async () => {
    const session = await put(newSession());
    await away(async () => leases.put({ holder, session: session, context: contextOf(9) }));
    const reader = (await redis.open()).leases;
    await expect.poll(async () => (await reader.find(session).catch(() => undefined))?.context).toEqual(contextOf(9));
    expect((await reader.leases(holder))[0]?.context).toEqual(contextOf(9));
  });
});
