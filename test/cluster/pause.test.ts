import { describe, expect, it } from 'vitest';
import type { MayflyError } from '../../src/index.ts';
import { chainsOf, endsOf, fullest, openFilled, startCluster } from './running-cluster.ts';

describe('a node that is paused', () => {
  it('holds up neither a list over all nodes nor an answer that others pass on for longer than it is in the cluster', async () => {
    await using running = await startCluster();
    const acme = running.everywhere.tenant('acme');
    const all = await openFilled(acme, 9);
    const { node, other } = fullest(running, all);
    const through = (await running.connect(other)).tenant('acme');
    const held = all.find(({ nodeId }) => nodeId === node.nodeId);
    if (held === undefined) throw new Error('each node has sessions');
    const long = through.session(held.session.id).stream("SELECT i, repeat('x', 1000) FROM range(10000000) t(i)")[Symbol.asyncIterator]();
    expect((await long.next()).done).toBe(false);
    node.signal('SIGSTOP');
    const rest = async (): Promise<void> => {
      for (let step = await long.next(); step.done !== true; step = await long.next());
    };
    const cut = expect(rest()).rejects.toMatchObject({ code: 'unavailable' });
    const listed = Promise.resolve(through.sessions()).catch(() => []);
    await cut;
    await listed;
    expect((await through.sessions({ state: 'active' })).map(({ node_id }) => node_id)).not.toContain(node.nodeId);
    node.signal('SIGCONT');
  });

  it('lets no close by label pass for done until its sessions are being ended', async () => {
    await using running = await startCluster();
    const acme = running.everywhere.tenant('acme');
    const all = await openFilled(acme, 9);
    const { node, other } = fullest(running, all);
    const through = (await running.connect(other)).tenant('acme');
    const held = all.filter(({ nodeId }) => nodeId === node.nodeId).map(({ session }) => session.id);
    expect(held.length).toBeGreaterThan(0);
    node.signal('SIGSTOP');
    const refusals = new Set<string>();
    const erased = async (): Promise<boolean> => {
      try {
        await through.closeSessions({ labels: { user: '42' } });
        return true;
      } catch (error) {
        refusals.add((error as MayflyError).code);
        return false;
      }
    };
    await expect.poll(erased, { timeout: 30_000 }).toBe(true);
    expect([...refusals]).toEqual(['unavailable']);
    const unproven = async (): Promise<number> => {
      const chains = await chainsOf(through);
      return held.filter((session) => chains.get(session)?.at(-1)?.event === 'partial_deletion_failure').length;
    };
    await expect.poll(unproven).toBe(held.length);
    node.signal('SIGCONT');
    await endsOf(through, held, 20_000);
  });
});
