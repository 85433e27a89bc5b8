import { describe, expect, it } from 'vitest';
import { chainsOf, endsOf, expectLawful, openFilled, startCluster } from './running-cluster.ts';

const INSERTERS = 12;

/** Inserts one row after another until told to stop; the ledger holds what was acknowledged, and when it was sent. */
function startInserting(insert: (n: number) => Promise<number>): { stop: () => Promise<readonly number[]> } {
  const sentAt: number[] = [];
  const stopped = new AbortController();
  const loop = (async () => {
    for (let n = 1_000; !stopped.signal.aborted; n += 1) {
      const sentMs = performance.now();
      try {
        await insert(n);
        sentAt.push(sentMs);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  })();
  return {
    stop: async () => {
      stopped.abort();
      await loop;
      return sentAt;
    },
  };
}

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

describe('a node that is paused with inserts running', () => {
  it('finds its sessions decided: a partial failure first, one end once it wakes, and nothing acknowledged that was sent later (I1, I5)', async () => {
    await using running = await startCluster();
    const acme = running.everywhere.tenant('acme');
    const all = await openFilled(acme, INSERTERS * 3);
    const [node, other] = running.cluster.nodes;
    if (node === undefined || other === undefined) throw new Error('a cluster has nodes');
    // A paused node takes connections and answers none: who watches asks another one.
    const watching = (await running.connect(other)).tenant('acme');
    const held = all.filter(({ nodeId }) => nodeId === node.nodeId);
    expect(held.length).toBeGreaterThan(2);
    const direct = (await running.connect(node)).tenant('acme');
    const inserting = held.map(({ session }) =>
      startInserting((n) => direct.session(session.id).insert('t', [{ n }], { signal: AbortSignal.timeout(30_000) })),
    );
    node.signal('SIGSTOP');
    const ids = held.map(({ session }) => session.id as string);
    const decided = async (): Promise<number> => {
      const chains = await chainsOf(watching);
      expectLawful(chains);
      return ids.filter((id) => chains.get(id)?.some(({ event }) => event === 'partial_deletion_failure') === true).length;
    };
    await expect.poll(decided, { timeout: 20_000 }).toBe(held.length);
    const decidedMs = performance.now();
    node.signal('SIGCONT');
    const ends = await endsOf(watching, ids, 20_000);
    const sent = await Promise.all(inserting.map((one) => one.stop()));
    for (const times of sent) expect(times.filter((atMs) => atMs > decidedMs)).toEqual([]);
    for (const end of ends) expect(end.details?.reason).toBe('lease_expired');
    expectLawful(await chainsOf(watching));
  });
});
