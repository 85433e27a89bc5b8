import { describe, expect, it } from 'vitest';
import type { RedisServer } from '../../src/cli/cluster/redis-server.ts';
import type { NodeProcess } from '../../src/cli/cluster/node-process.ts';
import { afterAWholeWindow, expectAllAlive, expectClosedOnce, expectNoOpening, idsOf, untilOpening } from './live-sessions.ts';
import { chainsOf, FAST, flush, openFilled, startCluster } from './running-cluster.ts';

describe('Redis in trouble', () => {
  it.each(['one master is emptied', 'all masters are emptied', 'one master is paused', 'one master is killed', 'all masters are killed and restarted'])(
    '%s: no live session ends by mistake, and each ends once when asked',
    async (trouble) => {
      await using running = await startCluster({ nodes: 4 });
      const { redis } = running.cluster;
      const acme = running.everywhere.tenant('acme');
      const all = (await openFilled(acme, 24)).filter(({ nodeId }) => nodeId !== 'node-4');
      if (trouble === 'one master is emptied') await flush(redis[0] as RedisServer);
      if (trouble === 'all masters are emptied') await Promise.all(redis.map(flush));
      if (trouble === 'one master is paused') redis[0]?.pause();
      if (trouble === 'one master is killed') await redis[0]?.kill();
      if (trouble === 'all masters are killed and restarted') {
        await Promise.all(redis.map((server) => server.kill()));
        await Promise.all(redis.map((server) => server.start()));
      }
      await afterAWholeWindow(running);
      await expectAllAlive(all);
      const chains = await chainsOf(acme);
      for (const id of idsOf(all)) expect(chains.get(id)).toHaveLength(1);
      await Promise.all(all.map(({ session }) => session.close()));
      await expectClosedOnce(acme, all, 5_000);
    },
  );

  it.each(['emptied', 'killed'])('all masters are %s: a session is found through any node all the same, for the log knows its owner', async (how) => {
    await using running = await startCluster({ flags: [...FAST, '--fence-ms', '10000', '--claim-ms', '25000'] });
    const { redis, nodes } = running.cluster;
    const way = (await running.connect(nodes[0] as NodeProcess)).tenant('acme');
    const all = await openFilled(way, 9);
    await Promise.all(redis.map(async (server) => (how === 'emptied' ? flush(server) : server.kill())));
    for (const node of nodes) {
      const acme = (await running.connect(node)).tenant('acme');
      for (const { session, rows } of all) expect(await acme.session(session.id).countRows('t')).toBe(rows);
      const unknown = acme.session('00000000-0000-4000-8000-000000000000');
      await expect(unknown.countRows('t')).rejects.toMatchObject({ code: 'unknown_session' });
    }
  });

  it.each([
    ['two of three masters are killed', 2, 'kill'],
    ['all masters are killed', 3, 'kill'],
    ['all masters are paused', 3, 'pause'],
  ] as const)('%s: opening answers unavailable within a second, and opens again once they are back', async (_what, count, how) => {
    await using running = await startCluster();
    const { redis, nodes } = running.cluster;
    const down = redis.slice(0, count);
    await Promise.all(down.map(async (server) => server[how]()));
    await expectNoOpening(nodes);
    if (how === 'kill') await Promise.all(down.map((server) => server.start()));
    else for (const server of down) server.resume();
    await untilOpening(nodes);
  });
});
