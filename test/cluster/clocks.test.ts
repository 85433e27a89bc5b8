import { expect, it } from 'vitest';
import type { NodeProcess } from '../../src/cli/cluster/node-process.ts';
import { afterAWholeWindow, expectAllAlive, expectClosedOnce, idsOf } from './live-sessions.ts';
import { redisClocks } from './redis-clocks.ts';
import { chainsOf, openFilled, startCluster, type FilledSession } from './running-cluster.ts';

/** A node is given up after three seconds: each clock has to be wrong for a whole window. */
const FLAGS = ['--heartbeat-ms', '400', '--fence-ms', '1200', '--claim-ms', '3000', '--scan-ms', '200', '--spare-workers', '1'];
const MOVES = [
  { what: 'all an hour ahead', hours: [1, 1, 1] },
  { what: 'all an hour behind', hours: [-2, -2, -2] },
  { what: 'one ahead, one right, one behind', hours: [2, 1, 0] },
];

it('Redis clocks that are an hour wrong, ahead, behind or apart, end no session and double no end (I1)', async () => {
  using clocks = redisClocks();
  await using running = await startCluster({ nodes: 4, flags: FLAGS });
  const { redis, nodes } = running.cluster;
  const acme = running.everywhere.tenant('acme');
  const canary = nodes.at(-1) as NodeProcess;
  for (const { what, hours } of MOVES) {
    const all = (await openFilled(acme, 18)).filter(({ nodeId }) => nodeId !== canary.nodeId);
    // Some close, claims in hand, while the clocks are moved.
    const [early, late] = [all.slice(0, 4), all.slice(4)];
    const close = (some: readonly FilledSession[]) => Promise.all(some.map(({ session }) => session.close()));
    const closing = close(early);
    await Promise.all(redis.map((server, at) => clocks.move(server, hours[at] ?? 0)));
    await closing;
    await expectClosedOnce(acme, early, 5_000);
    await afterAWholeWindow(running);
    await expectAllAlive(late);
    const chains = await chainsOf(acme);
    for (const id of idsOf(late)) expect(chains.get(id), what).toHaveLength(1);
    await close(late);
    await expectClosedOnce(acme, late, 5_000);
    await canary.start();
  }
}, 120_000);
