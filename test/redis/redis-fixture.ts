import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { expect } from 'vitest';
import { startRedisServers, type RedisServer } from '../../src/cli/cluster/redis-server.ts';
import { SystemClock } from '../../src/embedded/system-clock.ts';
import type { RedisNotice } from '../../src/redis/notice.ts';
import { openRedis, type RedisAdapters } from '../../src/redis/open-redis.ts';

export const clock = new SystemClock();

/** Redis servers of one test file, shared by its tests: each empties them first. */
export class RedisFixture {
  readonly servers: readonly RedisServer[];
  readonly notices: RedisNotice[] = [];
  readonly #folder: string;
  readonly #opened: RedisAdapters[] = [];
  /** To look behind the adapters. */
  readonly #clients: readonly Redis[];

  private constructor(servers: readonly RedisServer[], folder: string) {
    this.servers = servers;
    this.#folder = folder;
    this.#clients = servers.map(({ url }) => {
      const client = new Redis(url, { retryStrategy: () => 20 });
      client.on('error', () => undefined);
      return client;
    });
  }

  /** Three masters; persistent ones keep what they hold through a kill. */
  static async start({ persistent = false } = {}): Promise<RedisFixture> {
    const folder = mkdtempSync(path.join(tmpdir(), 'mayfly-redis-'));
    return new RedisFixture(await startRedisServers(3, { folder, persistent }), folder);
  }

  /** A node's adapters over all servers. */
  async open(urls: readonly string[] = this.servers.map(({ url }) => url)): Promise<RedisAdapters> {
    const adapters = await openRedis({ urls, clock, onNotice: (notice) => this.notices.push(notice) });
    this.#opened.push(adapters);
    return adapters;
  }

  server(at: number): RedisServer {
    return this.servers[at]!;
  }

  client(at: number): Redis {
    return this.#clients[at]!;
  }

  /** Everything that runs again, and empty. */
  async reset(): Promise<void> {
    this.notices.length = 0;
    await Promise.all(this.#opened.splice(0).map(async (adapters) => adapters.close()));
    for (const server of this.servers) {
      server.resume();
      if (server.pid === undefined) await server.start();
    }
    for (const client of this.#clients) {
      // What closed connections had sent to a server that was stopped is read first.
      await expect.poll(async () => (await client.client('LIST')) as string).toMatch(/^.*\n$/);
      await client.flushall();
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map(async (adapters) => adapters.close()));
    for (const client of this.#clients) client.disconnect();
    await Promise.all(this.servers.map(async (server) => server.stop()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
