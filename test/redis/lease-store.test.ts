import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SessionId } from '../../src/domain/ids.ts';
import { directoryKey, holderField, leasesKey, removedKey, revokedKey, FORGOTTEN, FORGOTTEN_ORDER, HOLDERS } from '../../src/redis/keys.ts';
import type { Holder, LeaseStore } from '../../src/ports/lease-store.ts';
import { contextOf, newHolder, newSession } from '../conformance/samples.ts';
import { RedisFixture } from './redis-fixture.ts';

let redis: RedisFixture;
let leases: LeaseStore;
let holder: Holder;
let counter: number;

beforeAll(async () => {
  redis = await RedisFixture.start();
});
afterAll(async () => redis.stop());
beforeEach(async () => {
  await redis.reset();
  const adapters = await redis.open();
  // Every master has answered once: from here on its coming and going is told.
  await adapters.check();
  ({ leases } = adapters);
  holder = newHolder();
  counter = 0;
});

async function beat(): Promise<boolean> {
  counter += 1;
  return (await leases.heartbeat(holder, counter)).previousSeen;
}

async function putSome(count: number): Promise<readonly SessionId[]> {
  const sessions = Array.from({ length: count }, newSession);
  for (let at = 0; at < count; at += 100) {
    // A busy machine may keep a server from its bound; a put can be made again.
    const put = async (session: SessionId): Promise<void> => leases.put({ holder, session, context: contextOf(1) });
    await Promise.all(sessions.slice(at, at + 100).map(async (session) => put(session).catch(async () => put(session))));
  }
  return sessions;
}

/** Sessions a master holds of the holder, read behind the store's back. */
async function heldAt(at: number): Promise<readonly string[]> {
  return redis.client(at).hkeys(leasesKey(holderField(holder)));
}

/** Until then it beats. */
async function whileBeating(isSo: () => Promise<boolean>): Promise<void> {
  await expect
    .poll(async () => {
      await beat();
      return isSo();
    })
    .toBe(true);
}

describe('masters that lose what they held', () => {
  it('are noticed at the next beat, be it one or all of them, and hold everything again once it is written back', async () => {
    const sessions = await putSome(3);
    await beat();
    expect(await beat()).toBe(true);
    for (const lost of [[1], [0, 1, 2]]) {
      await Promise.all(lost.map(async (at) => redis.client(at).flushall()));
      // The one that was emptied may answer after the majority: then a later beat tells.
      await expect.poll(beat).toBe(false);
      await Promise.all(sessions.map(async (session) => leases.put({ holder, session, context: contextOf(2) })));
      for (const at of [0, 1, 2]) await expect.poll(async () => heldAt(at)).toHaveLength(3);
      expect([await beat(), await beat()]).toEqual([true, true]);
    }
    expect((await leases.find(sessions[0]!))?.context).toEqual(contextOf(2));
  });

  it('are noticed even if the answer that would have told is lost', async () => {
    await beat();
    await redis.client(1).flushall();
    // As the beat whose answer was lost leaves it there.
    const lost = counter + 1;
    await redis.client(1).hset(HOLDERS, holderField(holder), `${lost} ${lost} `);
    await expect.poll(beat).toBe(false);
    expect([await beat(), await beat()]).toEqual([true, true]);
  });

  it('are noticed when all were restarted', async () => {
    const [session] = await putSome(1);
    await beat();
    await Promise.all(redis.servers.map(async (server) => server.kill()));
    await expect(leases.find(session!)).rejects.toMatchObject({ code: 'unavailable' });
    await Promise.all(redis.servers.map(async (server) => server.start()));
    await expect.poll(async () => leases.find(session!).catch(() => 'unavailable')).toBeUndefined();
    await expect.poll(beat).toBe(false);
    await leases.put({ holder, session: session!, context: contextOf(1) });
    expect(await leases.find(session!)).toBeDefined();
  });
});

describe('a master that does not answer', () => {
  it.each(['is stopped', 'is dead'])('does not hold anything up when it %s, and learns what it missed when it is back', async (how) => {
    const [kept, dropped] = await putSome(2);
    await beat();
    if (how === 'is stopped') redis.server(2).pause();
    else await redis.server(2).kill();
    const startedMs = performance.now();
    const [added] = await putSome(1);
    await leases.remove(holder, dropped!);
    await leases.put({ holder, session: kept!, context: contextOf(7) });
    await beat();
    expect(await leases.find(kept!)).toMatchObject({ context: contextOf(7) });
    expect(await leases.holders()).toHaveLength(1);
    expect(await leases.leases(holder)).toHaveLength(2);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    await whileBeating(async () => redis.notices.some(({ kind }) => kind === 'redis_lost'));

    if (how === 'is stopped') redis.server(2).resume();
    else await redis.server(2).start();
    await whileBeating(async () => (await heldAt(2)).toSorted().join(' ') === [kept!, added!].toSorted().join(' '));
    expect(await redis.client(2).hget(leasesKey(holderField(holder)), kept!)).toContain('"rows":7');
    expect(redis.notices.map(({ kind }) => kind)).toContain('redis_back');
  });

  it('is taken in when it comes up after the node', async () => {
    await redis.server(2).kill();
    ({ leases } = await redis.open());
    const [session] = await putSome(1);
    await beat();
    await redis.server(2).start();
    await whileBeating(async () => (await heldAt(2)).includes(session!));
  });

  it('is compared as a whole when it missed more than is remembered', async () => {
    const before = await putSome(20);
    await beat();
    await redis.server(2).kill();
    // Restarted from what it had: here by hand, since it keeps no file.
    await Promise.all(before.map(async (session) => leases.remove(holder, session)));
    const after = await putSome(10_050);
    await redis.server(2).start();
    await redis.client(2).hset(leasesKey(holderField(holder)), ...before.flatMap((session) => [session, `1 ${JSON.stringify(contextOf(1))}`]));
    await whileBeating(async () => (await heldAt(2)).every((session) => !before.includes(session as SessionId)));
    expect(redis.notices.map(({ kind }) => kind)).toContain('redis_behind');
    expect(await leases.leases(holder)).toHaveLength(after.length);
  });

  it('is no majority: everything rejects within a second', async () => {
    const [session] = await putSome(1);
    redis.server(0).pause();
    await redis.server(1).kill();
    const startedMs = performance.now();
    const calls = [
      leases.heartbeat(holder, 1),
      leases.put({ holder, session: session!, context: contextOf(2) }),
      leases.remove(holder, session!),
      leases.find(session!),
      leases.holders(),
      leases.leases(holder),
      leases.revoke(holder, session!),
      leases.forget(holder),
    ];
    for (const call of await Promise.allSettled(calls)) expect(call).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});

describe('what is kept', () => {
  it('is nothing of a session that is over, once every master knows', async () => {
    const [session] = await putSome(1);
    await beat();
    await leases.revoke(holder, session!);
    await leases.remove(holder, session!);
    const field = holderField(holder);
    for (const at of [0, 1, 2]) {
      const gone = [leasesKey(field), removedKey(field), revokedKey(field), directoryKey(session!)];
      await whileBeating(async () => (await redis.client(at).exists(...gone)) === 0);
    }
  });

  it('is no revocation of a session that was over before', async () => {
    const [session] = await putSome(1);
    await beat();
    await leases.remove(holder, session!);
    const field = holderField(holder);
    await whileBeating(async () => (await redis.client(0).exists(removedKey(field))) === 0);
    await (await redis.open()).leases.revoke(holder, session!);
    counter += 1;
    expect((await leases.heartbeat(holder, counter)).revoked).toEqual([]);
    await whileBeating(async () => (await redis.client(0).exists(revokedKey(field), removedKey(field))) === 0);
  });

  it('is nothing of a holder that was forgotten but its name, and of the thousand last ones alone', async () => {
    for (let at = 0; at < 1_005; at += 1) {
      const one = newHolder(`node-${at}`);
      await leases.heartbeat(one, 1);
      expect(await leases.forget(one)).toBe(true);
    }
    for (const at of [0, 1, 2]) {
      await expect.poll(async () => redis.client(at).keys('*')).toHaveLength(2);
      expect(await redis.client(at).hlen(FORGOTTEN)).toBe(1_000);
      expect(await redis.client(at).llen(FORGOTTEN_ORDER)).toBe(1_000);
    }
  });

  it('never expires by a clock of Redis while its holder is known', async () => {
    const [session] = await putSome(2);
    await beat();
    await leases.remove(holder, session!);
    await beat();
    for (const key of await redis.client(0).keys('*')) expect(await redis.client(0).pttl(key)).toBe(-1);
  });

  it('is a notice until the next one, with the highest counter', async () => {
    const notice = { url: 'http://127.0.0.1:1', state: 'serving', sessions: 1, sessionsMax: 2, reachesLog: true, at: 3 } as const;
    await leases.heartbeat(holder, 1, notice);
    await leases.heartbeat(holder, 2);
    expect(await leases.holders()).toEqual([{ holder, counter: 2, notice }]);
    await leases.heartbeat(holder, 3, { ...notice, sessions: 2 });
    // One that was sent earlier and arrives late.
    await leases.heartbeat(holder, 1, notice);
    expect(await leases.holders()).toEqual([{ holder, counter: 3, notice: { ...notice, sessions: 2 } }]);
  });
});

describe('the cost', () => {
  /** Commands that reached the servers from outside in that time. */
  async function commandsDuring(run: () => Promise<unknown>): Promise<number> {
    await Promise.all([0, 1, 2].map(async (at) => redis.client(at).config('RESETSTAT')));
    await run();
    const all = await Promise.all([0, 1, 2].map(async (at) => redis.client(at).info('commandstats')));
    const own = /cmdstat_(config|info|ping)/;
    const lines = all.flatMap((text) => text.split('\r\n')).filter((line) => line.startsWith('cmdstat_') && !own.test(line));
    return lines.map((line) => Number(/calls=(\d+)/.exec(line)?.[1])).reduce((sum, calls) => sum + calls, 0);
  }

  it('of heartbeats and looks at the holders does not grow with sessions', async () => {
    const ten = async (): Promise<void> => {
      for (let at = 0; at < 10; at += 1) {
        await beat();
        await leases.holders();
      }
      // All three have answered.
      await Promise.all([0, 1, 2].map(async (at) => expect.poll(async () => redis.client(at).hget(HOLDERS, holderField(holder))).toBe(`${counter} 1 `)));
    };
    await putSome(10);
    await ten();
    const few = await commandsDuring(ten);
    await putSome(2_000);
    await ten();
    const many = await commandsDuring(ten);
    expect(few).toBeGreaterThan(0);
    expect(Math.abs(many - few) / few).toBeLessThan(0.1);
  });
});
