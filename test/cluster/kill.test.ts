import { existsSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import type { NodeProcess } from '../../src/cli/cluster/node-process.ts';
import type { TenantHandle } from '../../src/index.ts';
import { idsOf } from './live-sessions.ts';
import { chainsOf, endsOf, expectLawful, openFilled, QUICK, startCluster, type FilledSession, type RunningCluster } from './running-cluster.ts';

/** On each node that dies. */
const SESSIONS = 100;

interface Victim {
  readonly node: NodeProcess;
  readonly held: readonly FilledSession[];
}

interface Scene extends Pick<RunningCluster, 'cluster'> {
  readonly acme: TenantHandle;
  readonly withinMs: number;
}

/** Opens sessions until all nodes but the last hold enough; these, with what they hold. */
async function victimsOf({ cluster }: RunningCluster, acme: TenantHandle): Promise<readonly Victim[]> {
  const nodes = cluster.nodes.slice(0, -1);
  const all: FilledSession[] = [];
  const heldBy = ({ nodeId }: NodeProcess): FilledSession[] => all.filter((one) => one.nodeId === nodeId);
  while (nodes.some((node) => heldBy(node).length < SESSIONS)) {
    all.push(...(await openFilled(acme, all.length === 0 ? SESSIONS * cluster.nodes.length : cluster.nodes.length)));
  }
  return nodes.map((node) => ({ node, held: heldBy(node) }));
}

/** Exactly one end each, with what was acknowledged last (I1, I3, I6), within so many milliseconds from now. */
async function expectEnds({ node, held }: Victim, { acme, cluster, withinMs }: Scene, reason: string): Promise<void> {
  const ends = await endsOf(acme, idsOf(held), withinMs);
  expect(ends).toHaveLength(held.length);
  const endOf = new Map(ends.map((end) => [end.session_id as string, end]));
  for (const { session, rows } of held) {
    expect(endOf.get(session.id)).toMatchObject({
      event: 'timed_out',
      deleted_row_count: rows,
      ephemeral_table_count: 1,
      details: { reason, counted: 'last_acknowledged', proof: 'process_exit' },
    });
  }
  for (const { session } of held.slice(0, 4)) {
    const end = endOf.get(session.id);
    await expect(session.sql('SELECT 1')).rejects.toMatchObject({ code: 'session_ended', ended: end });
    expect(await session.close()).toEqual(end);
    // Whoever is asked: the node that ended them for it, or one that reads of it in the log.
    for (const { url } of cluster.nodes.filter(({ pid }) => pid !== undefined)) {
      const answer = await fetch(`${url}/v1/sessions/${session.id}`, { headers: { 'mayfly-tenant': 'acme' } });
      expect(await answer.json()).toMatchObject({ node_id: node.nodeId, state: 'timed_out', expires_at: null, labels: {}, tables: [] });
    }
  }
}

async function untilDead(pids: readonly number[]): Promise<void> {
  await expect.poll(() => pids.filter((pid) => existsSync(`/proc/${pid}`)), { interval: 10 }).toEqual([]);
}

async function dieAlone(victim: Victim, scene: Scene): Promise<void> {
  const workers = victim.node.workers();
  await victim.node.end('SIGKILL');
  await untilDead(workers);
  await expectEnds(victim, scene, 'process_exit');
}

async function dieWithWorkers(victim: Victim, scene: Scene): Promise<void> {
  const { node } = victim;
  const workers = node.workers();
  const gone = node.end('SIGKILL');
  for (const pid of workers) process.kill(pid, 'SIGKILL');
  await gone;
  await untilDead(workers);
  await expectEnds(victim, scene, 'process_exit');
}

/** Nothing proves the death while a worker is stopped (I4): partial failures, until that one is dead too. */
async function dieWithStoppedWorker(victim: Victim, scene: Scene): Promise<void> {
  const { node, held } = victim;
  const { acme, cluster, withinMs } = scene;
  const [stopped, ...workers] = node.workers() as [number];
  process.kill(stopped, 'SIGSTOP');
  onTestFinished(() => void (existsSync(`/proc/${stopped}`) && process.kill(stopped, 'SIGKILL')));
  await node.end('SIGKILL');
  await untilDead(workers);
  const partial = async (): Promise<number> => {
    const chains = await chainsOf(acme);
    expectLawful(chains);
    return idsOf(held).filter((id) => chains.get(id)?.at(-1)?.event === 'partial_deletion_failure').length;
  };
  await expect.poll(partial, { timeout: withinMs }).toBe(held.length);
  const chains = await chainsOf(acme);
  for (const id of idsOf(held)) {
    const [, record, ...more] = chains.get(id) ?? [];
    expect(more).toEqual([]);
    expect(record).toMatchObject({ deleted_row_count: 0, details: { proof: 'unreachable', attempted_event: 'timed_out' } });
    expect(record?.details?.surviving_tables).toHaveLength(1);
  }
  for (const { session } of held.slice(0, 4)) {
    await expect(session.close()).rejects.toMatchObject({ code: 'partial_deletion_failure', failed: 1, total: 1 });
    for (const { url } of cluster.nodes.filter(({ pid }) => pid !== undefined)) {
      const answer = await fetch(`${url}/v1/sessions/${session.id}`, { headers: { 'mayfly-tenant': 'acme' } });
      expect(await answer.json()).toMatchObject({ state: 'partial_failure', created_at: chains.get(session.id)?.[0]?.occurred_at });
    }
  }
  process.kill(stopped, 'SIGKILL');
  await untilDead([stopped]);
  await expectEnds(victim, scene, 'lease_expired');
}

it.each([
  { settings: 'default settings', flags: [], boundMs: 18_000, atOnce: true },
  { settings: 'the quickest settings', flags: QUICK, boundMs: 3_000, atOnce: false },
])(
  `nodes of ${SESSIONS} sessions are killed, alone, with their workers, with a stopped one left behind, with $settings: each end within $boundMs ms of the proof`,
  async ({ flags, boundMs, atOnce }) => {
    await using running = await startCluster({ nodes: 4, flags });
    const acme = running.everywhere.tenant('acme');
    const [first, second, third] = (await victimsOf(running, acme)) as [Victim, Victim, Victim];
    const scene = { cluster: running.cluster, acme, withinMs: boundMs };
    const deaths = [() => dieWithStoppedWorker(first, scene), () => dieAlone(second, scene), () => dieWithWorkers(third, scene)];
    if (atOnce) await Promise.all(deaths.map((die) => die()));
    else for (const die of deaths) await die();
    const survivor = running.cluster.nodes[3] as NodeProcess;
    const spared = await (await running.connect(survivor)).tenant('acme').sessions({ state: 'active' });
    expect(spared.length).toBeGreaterThan(SESSIONS / 2);
    const chains = await chainsOf(acme);
    for (const { session_id, node_id } of spared) expect([node_id, chains.get(session_id)?.length]).toEqual([survivor.nodeId, 1]);
    expectLawful(chains);
  },
  180_000,
);
