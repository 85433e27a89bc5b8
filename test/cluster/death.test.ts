import { expect, it, describe } from 'vitest';
import type { NodeProcess } from '../../src/cli/cluster/node-process.ts';
import { FAST, chainsOf, endsOf, expectLawful, flush, openFilled, startCluster, type FilledSession, type RunningCluster } from './running-cluster.ts';

const SESSIONS = 36;
const LAST_ACKNOWLEDGED = { reason: 'process_exit', counted: 'last_acknowledged', proof: 'process_exit' };

/** The node that holds most of the sessions, and which those are. */
function victimOf({ cluster }: RunningCluster, all: readonly FilledSession[]): { node: NodeProcess; held: FilledSession[]; others: FilledSession[] } {
  const [node] = cluster.nodes.toSorted((a, b) => countOn(all, b.nodeId) - countOn(all, a.nodeId));
  if (node === undefined) throw new Error('a cluster has nodes');
  const held = all.filter(({ nodeId }) => nodeId === node.nodeId);
  return { node, held, others: all.filter(({ nodeId }) => nodeId !== node.nodeId) };
}

const countOn = (all: readonly FilledSession[], nodeId: string): number => all.filter((one) => one.nodeId === nodeId).length;
const idsOf = (all: readonly FilledSession[]): string[] => all.map(({ session }) => session.id);

async function expectUntouched(others: readonly FilledSession[]): Promise<void> {
  for (const { session, rows } of others) expect(await session.countRows('t')).toBe(rows);
}

describe('a node that dies with open sessions', () => {
  it.each(['alone', 'with its workers'])('%s: the others record each end once, with the last acknowledged count (I1, I3, I6)', async (how) => {
    await using running = await startCluster();
    const acme = running.everywhere.tenant('acme');
    const all = await openFilled(acme, SESSIONS);
    const { node, held, others } = victimOf(running, all);
    expect(held.length).toBeGreaterThan(5);
    expect(others.length).toBeGreaterThan(5);
    const workers = node.workers();
    if (how === 'with its workers') for (const pid of workers) process.kill(pid, 'SIGKILL');
    await node.end('SIGKILL');
    const ends = await endsOf(acme, idsOf(held), 20_000);
    for (const { session, rows } of held) {
      const end = ends.find(({ session_id }) => session_id === session.id);
      // A worker may be heard to die before its node: then its loss is the reason.
      expect(end).toMatchObject({ event: 'timed_out', deleted_row_count: rows, ephemeral_table_count: 1 });
      if (how === 'alone') expect(end?.details).toMatchObject(LAST_ACKNOWLEDGED);
      await expect(session.sql('SELECT 1')).rejects.toMatchObject({ code: 'session_ended', ended: end });
      expect(await session.close()).toEqual(end);
    }
    await expectUntouched(others);
    // Whoever is asked: the node that ended them for it, or one that reads of it in the log.
    for (const { session } of held.slice(0, 3)) {
      for (const { url } of running.cluster.nodes.filter(({ pid }) => pid !== undefined)) {
        const answer = await fetch(`${url}/v1/sessions/${session.id}`, { headers: { 'mayfly-tenant': 'acme' } });
        expect(await answer.json()).toMatchObject({ node_id: node.nodeId, state: 'timed_out', expires_at: null, labels: {}, tables: [] });
      }
    }
  });

  it('with a stopped worker left behind: partial failures, until that worker is dead (I4)', async () => {
    await using running = await startCluster();
    const acme = running.everywhere.tenant('acme');
    const all = await openFilled(acme, SESSIONS);
    const { node, held } = victimOf(running, all);
    const [stopped] = node.workers();
    if (stopped === undefined) throw new Error('a node has workers');
    process.kill(stopped, 'SIGSTOP');
    await node.end('SIGKILL');
    await expect
      .poll(
        async () => {
          const chains = await chainsOf(acme);
          expectLawful(chains);
          return idsOf(held).filter((id) => chains.get(id)?.at(-1)?.event === 'partial_deletion_failure').length;
        },
        { timeout: 20_000 },
      )
      .toBe(held.length);
    const chains = await chainsOf(acme);
    for (const id of idsOf(held)) {
      const [opened, partial, ...more] = chains.get(id) ?? [];
      expect([opened?.event, more]).toEqual(['opened', []]);
      expect(partial?.details).toMatchObject({ proof: 'unreachable', attempted_event: 'timed_out' });
      expect(partial?.details?.surviving_tables).toHaveLength(1);
      expect(partial?.deleted_row_count).toBe(0);
    }
    for (const { session } of held.slice(0, 4)) {
      await expect(session.close()).rejects.toMatchObject({ code: 'partial_deletion_failure', failed: 1, total: 1 });
      for (const { pid, url } of running.cluster.nodes) {
        if (pid === undefined) continue;
        const answer = await fetch(`${url}/v1/sessions/${session.id}`, { headers: { 'mayfly-tenant': 'acme' } });
        expect(await answer.json()).toMatchObject({ state: 'partial_failure', created_at: chains.get(session.id)?.[0]?.occurred_at });
      }
    }
    process.kill(stopped, 'SIGKILL');
    const ends = await endsOf(acme, idsOf(held), 30_000);
    for (const { session, rows } of held) expect(ends.find(({ session_id }) => session_id === session.id)?.deleted_row_count).toBe(rows);
    for (const { details } of ends) expect(details).toMatchObject({ proof: 'process_exit', counted: 'last_acknowledged' });
  });

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
