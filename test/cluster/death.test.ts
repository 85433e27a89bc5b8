import { expect, it, describe } from 'vitest';
import type { NodeProcess } from '../../src/cli/cluster/node-process.ts';
import { idsOf } from './live-sessions.ts';
import { FAST, endsOf, flush, openFilled, startCluster, type FilledSession, type RunningCluster } from './running-cluster.ts';

const LAST_ACKNOWLEDGED = { reason: 'process_exit', counted: 'last_acknowledged', proof: 'process_exit' };

/** The node that holds most of the sessions, and which those are. */
function victimOf({ cluster }: RunningCluster, all: readonly FilledSession[]): { node: NodeProcess; held: FilledSession[]; others: FilledSession[] } {
  const [node] = cluster.nodes.toSorted((a, b) => countOn(all, b.nodeId) - countOn(all, a.nodeId));
  if (node === undefined) throw new Error('a cluster has nodes');
  const held = all.filter(({ nodeId }) => nodeId === node.nodeId);
  return { node, held, others: all.filter(({ nodeId }) => nodeId !== node.nodeId) };
}

const countOn = (all: readonly FilledSession[], nodeId: string): number => all.filter((one) => one.nodeId === nodeId).length;

async function expectUntouched(others: readonly FilledSession[]): Promise<void> {
  for (const { session, rows } of others) expect(await session.countRows('t')).toBe(rows);
}

describe('a node that dies with open sessions', () => {
  it('as Redis was emptied, before its next heartbeat: its records name its life port (I4)', async () => {
    await using running = await startCluster({ flags: [...FAST, '--heartbeat-ms', '1000'] });
    const acme = running.everywhere.tenant('acme');
    const all = await openFilled(acme, 12);
    const { node, held } = victimOf(running, all);
    const [noted, ...forgotten] = held;
    if (noted === undefined) throw new Error('the victim holds some');
    await Promise.all(running.cluster.redis.map(flush));
    // Its lease is written again by this, and bears nothing of its holder but the name.
    expect(await noted.session.insert('t', [{ n: 1 }])).toBe(1);
    await node.end('SIGKILL');
    const ends = await endsOf(acme, idsOf(held), 40_000);
    for (const { session_id, details, deleted_row_count } of ends) {
      expect(details).toMatchObject({ reason: 'process_exit', proof: 'process_exit' });
      if (session_id === noted.session.id) expect([details?.counted, deleted_row_count]).toEqual(['last_acknowledged', noted.rows + 1]);
      else expect([details?.counted, deleted_row_count]).toEqual(['unknown', 0]);
    }
    expect(forgotten.length).toBe(ends.length - 1);
  });

  it('and starts again: it ends what it left itself, before it takes work', async () => {
    await using running = await startCluster({ flags: [...FAST, '--claim-ms', '60000'] });
    const acme = running.everywhere.tenant('acme');
    const all = await openFilled(acme, 24);
    const { node, held, others } = victimOf(running, all);
    await node.end('SIGKILL');
    await node.start();
    const ends = await endsOf(acme, idsOf(held), 1_000);
    for (const { details } of ends) expect(details).toMatchObject({ ...LAST_ACKNOWLEDGED, erasure: { spill: 'removed' } });
    await expectUntouched(others);
  });
});
