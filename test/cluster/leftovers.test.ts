import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { SessionId } from '../../src/domain/ids.ts';
import { parseTenant } from '../../src/domain/tenant.ts';
import { SystemClock } from '../../src/embedded/system-clock.ts';
import { openRedis } from '../../src/redis/open-redis.ts';
import { QUICK, startCluster } from './running-cluster.ts';

it('a lease whose session was never opened goes once its holder, which nobody can reach, is given up', async () => {
  await using running = await startCluster({ nodes: 1, flags: [...QUICK, '--unreachable-grace', '2s'] });
  const { leases, close } = await openRedis({ urls: running.cluster.redis.map(({ url }) => url), clock: new SystemClock() });
  const ghost = { node: 'ghost', incarnation: randomUUID() };
  const context = { v: 1, tenant: parseTenant('acme'), deadline: null, tables: [], created: 0, dropped_rows: 0, at_least: false } as const;
  await leases.heartbeat(ghost, 1);
  await leases.put({ holder: ghost, session: randomUUID() as SessionId, context });
  const seen = async (): Promise<string[]> => (await leases.holders()).map(({ holder }) => holder.node);
  expect(await seen()).toContain('ghost');
  await expect.poll(seen).not.toContain('ghost');
  expect(await leases.leases(ghost)).toEqual([]);
  await close();
});
