import { describe, expect, it } from 'vitest';
import type { NodeProcess } from '../../src/cli/cluster/node-process.ts';
import { MayflyError } from '../../src/domain/errors.ts';
import { chainsOf, endsOf, expectLawful, FAST, isEnd, openFilled, startCluster } from './running-cluster.ts';

describe('a node that drains', () => {
  it('closes what is left with reason drain, leaves the list of nodes, and exits 0', async () => {
    await using running = await startCluster({ flags: [...FAST, '--drain-ms', '300'] });
    const acme = running.everywhere.tenant('acme');
    const all = await openFilled(acme, 18);
    const node = running.cluster.nodes[0] as NodeProcess;
    const held = all.filter(({ nodeId }) => nodeId === node.nodeId);
    expect(await node.end('SIGTERM')).toBe(0);
    const ends = await endsOf(
      acme,
      held.map(({ session }) => session.id),
      5_000,
    );
    for (const { session, rows } of held) {
      expect(ends.find(({ session_id }) => session_id === session.id)).toMatchObject({
        event: 'closed',
        deleted_row_count: rows,
        details: { reason: 'drain', proof: 'dropped' },
      });
    }
    const other = running.cluster.nodes[1] as NodeProcess;
    const seen = async (): Promise<string[]> => {
      const { nodes } = (await (await fetch(`${other.url}/v1/cluster`)).json()) as { nodes: { node_id: string }[] };
      return nodes.map(({ node_id }) => node_id).toSorted();
    };
    await expect.poll(seen).toEqual(['node-2', 'node-3']);
  });

  it('hands over the closes it could not finish: the log is down as it leaves, and the others end them (I3)', async () => {
    await using running = await startCluster({ flags: [...FAST, '--drain-ms', '100'] });
    const acme = running.everywhere.tenant('acme');
    const all = await openFilled(acme, 12);
    const node = running.cluster.nodes[0] as NodeProcess;
    const held = all.filter(({ nodeId }) => nodeId === node.nodeId);
    const [nats] = running.cluster.nats;
    await nats?.kill();
    expect(await node.end('SIGTERM')).toBe(0);
    await nats?.start();
    const ends = await endsOf(
      acme,
      held.map(({ session }) => session.id),
      30_000,
    );
    for (const { session, rows } of held) expect(ends.find(({ session_id }) => session_id === session.id)?.deleted_row_count).toBe(rows);
  });

  it('one after the other under load: no record is lost, and answers are successes or say why not', async () => {
    await using running = await startCluster({ flags: [...FAST, '--drain-ms', '500'] });
    const acme = running.everywhere.tenant('acme');
    const opened = new Set<string>();
    const codes = new Set<string>();
    const stop = new AbortController();
    const user = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        try {
          const session = await acme.openSession({ timeout: '10s' });
          opened.add(session.id);
          await session.createTable('t', { columns: [{ name: 'n', type: 'BIGINT' }] });
          await session.insert('t', [{ n: 1 }, { n: 2 }]);
          expect(await session.countRows('t')).toBe(2);
          await session.close();
        } catch (error) {
          if (!(error instanceof MayflyError)) throw error;
          codes.add(error.code);
        }
      }
    };
    const users = Array.from({ length: 6 }, user);
    for (const node of running.cluster.nodes) {
      const before = opened.size;
      await expect.poll(() => opened.size, { timeout: 30_000 }).toBeGreaterThan(before + 10);
      expect(await node.end('SIGTERM')).toBe(0);
      await node.start();
    }
    stop.abort();
    await Promise.all(users);
    for (const code of codes) expect(['node_draining', 'unavailable', 'session_ended']).toContain(code);
    const ends = await endsOf(acme, [...opened], 30_000);
    expect(ends.length).toBe(opened.size);
    const chains = await chainsOf(acme);
    expectLawful(chains);
    for (const chain of chains.values()) expect(chain.filter(isEnd)).toHaveLength(1);
  }, 120_000);
});
