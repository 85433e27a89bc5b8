import { describe, expect, it } from 'vitest';
import { openFilled, startCluster } from './running-cluster.ts';

describe('a node that is paused', () => {
  it('holds up neither a list over all nodes nor an answer that others pass on for longer than it is in the cluster', async () => {
    await using running = await startCluster();
    const acme = running.everywhere.tenant('acme');
    const all = await openFilled(acme, 9);
    const [node, other] = running.cluster.nodes;
    if (node === undefined || other === undefined) throw new Error('a cluster has nodes');
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
    expect((await through.sessions()).map(({ node_id }) => node_id)).not.toContain(node.nodeId);
    node.signal('SIGCONT');
  });
});
