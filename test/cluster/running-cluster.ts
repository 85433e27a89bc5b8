import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect } from 'vitest';
import type { MayflyHandle, SessionHandle, TenantHandle } from '../../src/index.ts';
import { Mayfly } from '../../src/index.ts';
import { LocalCluster, type LocalClusterOptions } from '../../src/cli/cluster/local-cluster.ts';
import type { NodeProcess } from '../../src/cli/cluster/node-process.ts';
import type { RedisServer } from '../../src/cli/cluster/redis-server.ts';
import type { LifecycleRecord } from '../../src/domain/lifecycle-record.ts';
import { RoundRobin } from './round-robin.ts';

/** A death is noticed within five seconds instead of fifteen; a machine that is busy with other tests misses no fence. */
export const FAST = ['--heartbeat-ms', '500', '--fence-ms', '2000', '--claim-ms', '5000', '--scan-ms', '200', '--spare-workers', '1'];

/** The least that is promised to be worked with: a death is noticed within two seconds. */
export const QUICK = ['--heartbeat-ms', '250', '--fence-ms', '600', '--claim-ms', '1500', '--scan-ms', '100', '--spare-workers', '1'];

/** Sessions opened at a time. */
const OPENING_MAX = 4;

export interface RunningCluster extends AsyncDisposable {
  readonly cluster: LocalCluster;
  /** A client of one node. */
  connect(node: NodeProcess): Promise<MayflyHandle>;
  /** A client whose calls go round all the nodes in turn, whichever serves the session. */
  readonly everywhere: MayflyHandle;
}

export async function startCluster(options: Partial<LocalClusterOptions> = {}): Promise<RunningCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-cluster-'));
  const cluster = await LocalCluster.start({ folder, nodes: 3, redis: 3, nats: 1, flags: FAST, ...options });
  const clients: MayflyHandle[] = [];
  const connect = async (node: NodeProcess): Promise<MayflyHandle> => {
    const client = await Mayfly.connect(node.url, { direct: false, retriesMax: 0 });
    clients.push(client);
    return client;
  };
  return {
    cluster,
    connect,
    everywhere: await Mayfly.connect(cluster.nodes[0]?.url ?? '', { direct: false, fetch: new RoundRobin(cluster.nodes).fetch }),
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.close().catch(() => undefined)));
      await cluster.stop('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Empties one master. */
export async function flush(server: RedisServer): Promise<void> {
  const redis = new Redis(server.url);
  await redis.flushall();
  redis.disconnect();
}

/** Every session's chain, in the order of the log. */
export async function chainsOf(tenant: TenantHandle): Promise<Map<string, LifecycleRecord[]>> {
  const chains = new Map<string, LifecycleRecord[]>();
  for await (const { record } of tenant.lifecycle({ from: 0 })) {
    const chain = chains.get(record.session_id) ?? [];
    chains.set(record.session_id, [...chain, record]);
  }
  return chains;
}

export const isEnd = ({ event }: LifecycleRecord): boolean => event === 'closed' || event === 'timed_out';

/** I1, I2: `opened (partial_deletion_failure)* (closed|timed_out)?`, and nothing after the end. */
export function expectLawful(chains: ReadonlyMap<string, readonly LifecycleRecord[]>): void {
  for (const [session, chain] of chains) {
    const events = chain.map(({ event }) => event).join(' ');
    expect(events, session).toMatch(/^opened( partial_deletion_failure)*( closed| timed_out)?$/);
  }
}

/** Waits until each of these sessions has its end, and gives the terminal records. */
export async function endsOf(tenant: TenantHandle, sessions: readonly string[], timeoutMs: number): Promise<LifecycleRecord[]> {
  let chains = new Map<string, LifecycleRecord[]>();
  const unfinished = async (): Promise<string[]> => {
    chains = await chainsOf(tenant);
    expectLawful(chains);
    const left = sessions.filter((session) => chains.get(session)?.some(isEnd) !== true);
    return left.map((session) => `${session}: ${(chains.get(session) ?? []).map(({ event }) => event).join(' ')}`);
  };
  await expect.poll(unfinished, { timeout: timeoutMs, interval: 100 }).toEqual([]);
  return sessions.flatMap((session) => chains.get(session)?.filter(isEnd) ?? []);
}

export interface FilledSession {
  readonly session: SessionHandle;
  readonly nodeId: string;
  /** What its one table holds. */
  readonly rows: number;
}

/** The node that holds the most of these sessions, which are drawn by chance, and another one. */
export function fullest({ cluster }: RunningCluster, sessions: readonly FilledSession[]): { readonly node: NodeProcess; readonly other: NodeProcess } {
  const holding = (each: NodeProcess): number => sessions.filter(({ nodeId }) => nodeId === each.nodeId).length;
  const [node, other] = cluster.nodes.toSorted((a, b) => holding(b) - holding(a));
  if (node === undefined || other === undefined) throw new Error('a cluster has nodes');
  return { node, other };
}

/** Opens sessions all over the cluster, each with a table of 1, 2, 3 … rows. */
export async function openFilled(tenant: TenantHandle, count: number): Promise<FilledSession[]> {
  const opened: Omit<FilledSession, 'nodeId'>[] = [];
  let next = 0;
  const fill = async (): Promise<void> => {
    while (next < count) {
      const rows = (next += 1);
      const session = await tenant.openSession({ timeout: '10m' });
      await session.createTableAs('t', `SELECT i AS n FROM range(${rows}) r(i)`);
      opened.push({ session, rows });
    }
  };
  await Promise.all(Array.from({ length: OPENING_MAX }, fill));
  const nodeOf = new Map((await tenant.sessions()).map(({ session_id, node_id }) => [session_id as string, node_id]));
  return opened.map(({ session, rows }) => ({ session, rows, nodeId: nodeOf.get(session.id) ?? '' }));
}
