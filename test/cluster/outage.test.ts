import { describe, expect, it } from 'vitest';
import type { RedisServer } from '../../src/cli/cluster/redis-server.ts';
import type { NodeProcess } from '../../src/cli/cluster/node-process.ts';
import { chainsOf, endsOf, expectLawful, FAST, flush, openFilled, startCluster, type FilledSession, type RunningCluster } from './running-cluster.ts';

const idsOf = (all: readonly FilledSession[]): string[] => all.map(({ session }) => session.id);

/**
 * Lets a whole window pass in which a holder could be given up by mistake: the last node is killed with a session on it,
 * and once the others have ended that one, they have had the time to end any.
 */
async function afterAWholeWindow({ cluster, everywhere }: RunningCluster): Promise<void> {
  const canary = cluster.nodes.at(-1) as NodeProcess;
  const bird = everywhere.tenant('canary');
  let doomed: string | undefined;
  const settled = async (): Promise<string | undefined> => {
    await bird.openSession().catch(() => undefined);
    doomed = (await Promise.resolve(bird.sessions()).catch(() => [])).find(({ node_id }) => node_id === canary.nodeId)?.session_id;
    return doomed;
  };
  await expect.poll(settled, { timeout: 20_000 }).toBeDefined();
  await canary.end('SIGKILL');
  await endsOf(bird, [doomed as string], 30_000);
}

async function expectAllAlive(all: readonly FilledSession[]): Promise<void> {
  await expect
    .poll(async () => (await Promise.allSettled(all.map(({ session }) => session.countRows('t')))).filter(({ status }) => status === 'rejected').length, {
      timeout: 20_000,
    })
    .toBe(0);
  for (const { session, rows } of all) expect(await session.countRows('t')).toBe(rows);
}

async function timedOpen(url: string): Promise<{ status: number; code: unknown; retryAfter: string | null; tookMs: number }> {
  const sentMs = performance.now();
  const answer = await fetch(`${url}/v1/sessions`, { method: 'POST', headers: { 'mayfly-tenant': 'acme', 'content-type': 'application/json' }, body: '{}' });
  const body = (await answer.json()) as { code?: unknown };
  return { status: answer.status, code: body.code, retryAfter: answer.headers.get('retry-after'), tookMs: performance.now() - sentMs };
}

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
      const ends = await endsOf(acme, idsOf(all), 5_000);
      for (const { session, rows } of all) {
        expect(ends.find(({ session_id }) => session_id === session.id)).toMatchObject({
          event: 'closed',
          deleted_row_count: rows,
          details: { counted: 'exact' },
        });
      }
    },
  );

  it.each(['emptied', 'killed'])('all masters are %s: a session is found through any node all the same, for the log knows its owner', async (how) => {
    await using running = await startCluster({ flags: [...FAST, '--fence-ms', '10000', '--claim-ms', '25000'] });
    const { redis, nodes } = running.cluster;
    const way = (await running.connect(nodes[0] as NodeProcess)).tenant('acme');
    const all = await openFilled(way, 9);
    await Promise.all(redis.map(async (server) => (how === 'emptied' ? flush(server) : server.kill())));
    for (const node of nodes) {
      const stranger = (await running.connect(node)).tenant('acme');
      for (const { session, rows } of all) expect(await stranger.session(session.id).countRows('t')).toBe(rows);
      await expect(stranger.session(crypto.randomUUID()).countRows('t')).rejects.toMatchObject({ code: 'unknown_session' });
    }
  });

  it('all masters down: opening answers unavailable at once, and again once they are back', async () => {
    await using running = await startCluster();
    const { redis, nodes } = running.cluster;
    await Promise.all(redis.map((server) => server.kill()));
    const refused = await timedOpen(nodes[0]?.url ?? '');
    expect(refused).toMatchObject({ status: 503, code: 'unavailable', retryAfter: '1' });
    expect(refused.tookMs).toBeLessThan(1_000);
    await Promise.all(redis.map((server) => server.start()));
    await expect.poll(async () => (await timedOpen(nodes[0]?.url ?? '')).status, { timeout: 20_000 }).toBe(201);
  });
});

describe('NATS in trouble', () => {
  it.each(['stopped', 'paused'])('%s: opening answers unavailable within a second, sessions go on', async (how) => {
    await using running = await startCluster();
    const acme = running.everywhere.tenant('acme');
    const all = await openFilled(acme, 6);
    const { nats, nodes } = running.cluster;
    if (how === 'stopped') await nats[0]?.kill();
    else nats[0]?.pause();
    for (const node of nodes) {
      const refused = await timedOpen(node.url);
      expect(refused).toMatchObject({ status: 503, code: 'unavailable', retryAfter: '1' });
      expect(refused.tookMs).toBeLessThan(1_500);
    }
    await expectAllAlive(all);
    if (how === 'stopped') await nats[0]?.start();
    else nats[0]?.resume();
    await expect.poll(async () => (await timedOpen(nodes[0]?.url ?? '')).status, { timeout: 20_000 }).toBe(201);
    expectLawful(await chainsOf(acme));
  });

  it('down while sessions are closed: they are sealed, and finish once it is back, each once (I1, I3)', async () => {
    await using running = await startCluster();
    const acme = running.everywhere.tenant('acme');
    const all = await openFilled(acme, 50);
    const [nats] = running.cluster.nats;
    await nats?.kill();
    const closes = await Promise.allSettled(all.map(({ session }) => session.close()));
    for (const close of closes) expect(close).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    await expect(all[0]?.session.sql('SELECT 1')).rejects.toMatchObject({ code: 'unavailable' });
    await nats?.start();
    const ends = await endsOf(acme, idsOf(all), 30_000);
    for (const { session, rows } of all) {
      expect(ends.find(({ session_id }) => session_id === session.id)).toMatchObject({
        event: 'closed',
        deleted_row_count: rows,
        details: { reason: 'close', counted: 'exact' },
      });
      expect((await session.close()).event).toBe('closed');
    }
  });
});
