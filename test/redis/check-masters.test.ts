import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RedisFixture } from './redis-fixture.ts';

let redis: RedisFixture;

beforeAll(async () => {
  redis = await RedisFixture.start();
});
afterAll(async () => redis.stop());
beforeEach(async () => redis.reset());
afterEach(async () => {
  for (const server of redis.servers) server.resume();
  await redis.client(1).config('SET', 'maxmemory-policy', 'noeviction');
  await redis.client(1).replicaof('NO', 'ONE');
  await redis.client(1).call('ACL', 'SETUSER', 'default', '+@all');
});

const urls = (): readonly string[] => redis.servers.map(({ url }) => url);

describe('the check of the masters', () => {
  it('has nothing to say about three that are fit', async () => {
    await (await redis.open()).check();
    expect(redis.notices).toEqual([]);
  });

  it('refuses an even number, and an address that is named twice', async () => {
    await expect(redis.open(urls().slice(0, 2))).rejects.toMatchObject({ code: 'invalid_request', field: 'redis', message: /name an odd number/ });
    await expect(redis.open([])).rejects.toMatchObject({ code: 'invalid_request', field: 'redis' });
    await expect(redis.open([...urls().slice(0, 2), urls()[0]!])).rejects.toMatchObject({ field: 'redis', message: /is named twice/ });
  });

  it('refuses one server under two addresses', async () => {
    const { check } = await redis.open([...urls().slice(0, 2), urls()[0]!.replace('127.0.0.1', 'localhost')]);
    await expect(check()).rejects.toMatchObject({ code: 'invalid_request', field: 'redis', message: /is the same server as/ });
  });

  it('refuses a server that may throw leases away', async () => {
    await redis.client(1).config('SET', 'maxmemory-policy', 'allkeys-lru');
    const { check } = await redis.open();
    await expect(check()).rejects.toMatchObject({ field: 'redis', message: /maxmemory-policy allkeys-lru\): set maxmemory-policy noeviction/ });
  });

  it('refuses a replica', async () => {
    await redis.client(1).replicaof('127.0.0.1', redis.server(0).port);
    const { check } = await redis.open();
    await expect(check()).rejects.toMatchObject({ field: 'redis', message: /is a replica: name independent masters/ });
  });

  it('tells of a server that does not let itself be looked at, and goes on', async () => {
    await redis.client(1).call('ACL', 'SETUSER', 'default', '-info');
    await (await redis.open()).check();
    expect(redis.notices).toMatchObject([{ kind: 'redis_unchecked', detail: /noeviction/, fields: { master: `127.0.0.1:${redis.server(1).port}` } }]);
  });

  it('tells of one that does not answer, and asks for patience when most do not', async () => {
    redis.server(1).pause();
    const { check } = await redis.open();
    await check();
    expect(redis.notices).toMatchObject([{ kind: 'redis_unreachable' }]);
    await redis.server(0).kill();
    await expect(check()).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  });
});
