import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { RedisServer } from '../../src/cli/cluster/redis-server.ts';
import type { LeaseContext, NodeNotice } from '../../src/domain/lease.ts';
import type { SessionId } from '../../src/domain/ids.ts';
import { SystemClock } from '../../src/embedded/system-clock.ts';
import type { Lease, LeaseStore } from '../../src/ports/lease-store.ts';
import { openRedis } from '../../src/redis/open-redis.ts';
import { HOLDERS, SHARD_DIGITS, directoryKey, holderField, leasesKey } from '../../src/redis/keys.ts';
import type { RedisConstants } from './scale-result.ts';

/** The cluster that the directory's shards are filled like: 1,000 nodes with 10,000 sessions each. */
const SESSIONS_LIKE = 10_000_000;
const NODES = 1_000;
const IN_FLIGHT = 50;
const BEATS = 2_000;
const SCANS = 100;

const tenant = 'acme' as LeaseContext['tenant'];
const context: LeaseContext = {
  v: 1,
  tenant,
  deadline: 1_800_000_000_000,
  tables: [
    { name: 'query_images' as LeaseContext['tables'][number]['name'], rows: 1_000 },
    { name: 'results' as LeaseContext['tables'][number]['name'], rows: 250 },
  ],
  created: 2,
  dropped_rows: 0,
  at_least: false,
};
const notice: NodeNotice = {
  url: 'http://mayfly-123.mayfly-nodes.default.svc:7464',
  state: 'serving',
  sessions: 10_000,
  sessionsMax: 100_000,
  reachesLog: true,
  at: 1_800_000_000_000,
  life: '10.0.123.45:40123',
};

/** What one master holds and does for a node with so many sessions, measured through the adapter that nodes use. */
export async function measureRedis(server: RedisServer, sessions: number): Promise<RedisConstants> {
  const adapters = await openRedis({ urls: [server.url], clock: new SystemClock() });
  const { leases } = adapters;
  const admin = new Redis(server.url);
  const watch = new MasterWatch(admin);
  try {
    const holder = { node: 'mayfly-123', incarnation: randomUUID() };
    await leases.heartbeat(holder, 1, notice);
    await warmUp(leases, holder);
    const own = leasesOf(holder, sessions);
    const put = await watch.during('evalsha', () => inLanes(own, (lease) => leases.put(lease)));
    const bytes = await watch.bytesOf([leasesKey(holderField(holder)), ...own.map(({ session }) => directoryKey(session))]);
    const find = await watch.during('evalsha', () => inLanes(own, ({ session }) => leases.find(session)));
    const heartbeat = await watch.during('evalsha', () => beats(leases, holder, BEATS));
    const remove = await watch.during('evalsha', () => inLanes(own, ({ session }) => leases.remove(holder, session)));
    return {
      sessions_a_node: sessions,
      sessions_like: SESSIONS_LIKE,
      bytes_a_session: Math.round(bytes / sessions),
      ...(await measureScans(leases, watch)),
      heartbeat_us: heartbeat.us,
      put_us: put.us,
      remove_us: remove.us,
      find_us: find.us,
    };
  } finally {
    admin.disconnect();
    await adapters.close();
  }
}

async function measureScans(leases: LeaseStore, watch: MasterWatch): Promise<Pick<RedisConstants, 'bytes_a_node' | 'nodes_read' | 'scan_us' | 'scan_bytes'>> {
  const others = Array.from({ length: NODES - 1 }, (_none, at) => ({ node: `mayfly-${at}`, incarnation: randomUUID() }));
  await inLanes(others, (holder) => leases.heartbeat(holder, 1, notice));
  const bytes = await watch.bytesOf([HOLDERS]);
  const scan = await watch.during('hgetall', async () => {
    for (let scans = 0; scans < SCANS; scans += 1) await leases.holders();
  });
  return { bytes_a_node: Math.round(bytes / NODES), nodes_read: NODES, scan_us: scan.us, scan_bytes: Math.round(scan.outputBytes / SCANS) };
}

/** Scripts are loaded by their first call, which is not what they cost. */
async function warmUp(leases: LeaseStore, holder: Lease['holder']): Promise<void> {
  for (const lease of leasesOf(holder, 1)) {
    await leases.put(lease);
    await leases.find(lease.session);
    await leases.remove(holder, lease.session);
  }
}

/** Sessions whose ids fall into so few shards of the directory that these are as full as those of the large cluster. */
function leasesOf(holder: Lease['holder'], sessions: number): readonly Lease[] {
  const shards = Math.max(1, Math.round((sessions * 16 ** SHARD_DIGITS) / SESSIONS_LIKE));
  return Array.from({ length: sessions }, (_none, at) => {
    const shard = (at % shards).toString(16).padStart(SHARD_DIGITS, '0');
    return { holder, session: `${shard}${randomUUID().slice(SHARD_DIGITS)}` as SessionId, context };
  });
}

async function beats(leases: LeaseStore, holder: Lease['holder'], count: number): Promise<void> {
  for (let counter = 2; counter < count + 2; counter += 1) await leases.heartbeat(holder, counter, notice);
}

async function inLanes<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = items.values();
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (const item of waiting) await work(item);
    }),
  );
}

/** What a master says of itself. */
class MasterWatch {
  readonly #admin: Redis;

  constructor(admin: Redis) {
    this.#admin = admin;
  }

  /** What the keys take, each counted once. */
  async bytesOf(keys: readonly string[]): Promise<number> {
    const each = await Promise.all([...new Set(keys)].map((key) => this.#admin.memory('USAGE', key, 'SAMPLES', 0)));
    return each.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
  }

  /** Runs the work, and tells the server's mean time for each call of a command and the bytes it sent meanwhile. */
  async during(command: string, work: () => Promise<void>): Promise<{ readonly us: number; readonly outputBytes: number }> {
    await this.#admin.config('RESETSTAT');
    await work();
    const us = await this.#number('commandstats', new RegExp(`^cmdstat_${command}:.*usec_per_call=([\\d.]+)`, 'm'));
    return { us, outputBytes: await this.#number('stats', /^total_net_output_bytes:(\d+)/m) };
  }

  async #number(section: string, pattern: RegExp): Promise<number> {
    const found = pattern.exec(await this.#admin.info(section))?.[1];
    if (found === undefined) throw new Error(`Redis does not say ${pattern.source} in its section ${section}`);
    return Number(found);
  }
}
