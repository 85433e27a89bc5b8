import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { LocalCluster } from '../src/cli/cluster/local-cluster.ts';
import { terminalTable } from './figures-table.ts';
import { measure } from './measure.ts';
import { callsTo, startNode, type NodeCalls } from './node-process.ts';
import { describeRun, writeResult } from './result-file.ts';
import type { Measurement } from './result-file.ts';
import { openSession, selectInSession, wholeSession, type Workload } from './workloads.ts';

const USAGE = `npm run bench:cluster -- [--quick]

Measures what a cluster costs: a node of a cluster beside an embedded one, and a node beside the owner, in one run each.
Needs redis-server and nats-server. Prints a table and writes bench/results/cluster.json.
  --quick   few runs, to see that it works; writes quick.json
`;

/** A cluster of so many nodes in a folder of its own; gone with its data afterwards. */
async function withCluster<T>(nodes: number, run: (calls: readonly (NodeCalls & { close(): void })[]) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'mayfly-bench-cluster-'));
  const cluster = await LocalCluster.start({ folder, nodes, redis: 3, nats: 1, onProgress: (what) => process.stderr.write(`${what}\n`) });
  const calls = cluster.nodes.map(({ url }) => callsTo(url));
  try {
    return await run(calls);
  } finally {
    for (const one of calls) one.close();
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The same sessions on an embedded node and on a node alone in its cluster. */
async function beside(quick: boolean): Promise<readonly Measurement[]> {
  const embedded = await startNode();
  try {
    return await withCluster(1, async ([clustered]) => {
      if (clustered === undefined) throw new Error('a cluster has nodes');
      const workload: Workload = {
        id: 'W1',
        title: 'open, create a keyed table, insert 1,000 rows, one aggregate, close',
        runs: quick ? 40 : 600,
        warmUpRuns: quick ? 10 : 600,
        inFlight: [1, 8],
        subjects: [
          { name: 'a node of its own', once: wholeSession(embedded) },
          { name: 'a node alone in its cluster', once: wholeSession(clustered) },
        ],
      };
      const measurements: Measurement[] = [];
      for (const inFlight of workload.inFlight) measurements.push(...(await measure(workload, inFlight)));
      return measurements;
    });
  } finally {
    await embedded.stop();
  }
}

/** The same statement through the node that holds the session, and through one that does not. */
async function through(quick: boolean): Promise<readonly Measurement[]> {
  return withCluster(2, async ([first, second]) => {
    if (first === undefined || second === undefined) throw new Error('the cluster has two nodes');
    const session = await openSession(first);
    const { node_id } = (await first.call({ method: 'GET', path: `/v1/sessions/${session}` })) as { node_id: string };
    const [owner, other] = node_id === 'node-1' ? [first, second] : [second, first];
    return measure(
      {
        id: 'W4',
        title: 'SELECT 42 on an open session',
        runs: quick ? 200 : 5_000,
        inFlight: [1],
        subjects: [
          { name: 'through its owner', once: selectInSession(owner, session) },
          { name: 'through another node', once: selectInSession(other, session) },
        ],
      },
      1,
    );
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const measurements = [...(await beside(values.quick)), ...(await through(values.quick))];
  const command = `npm run bench:cluster${values.quick ? ' -- --quick' : ''}`;
  const file = await writeResult(values.quick ? 'quick' : 'cluster', { ...describeRun(command), measurements });
  process.stdout.write(`${terminalTable({ measurements })}\n\nWritten to ${file}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 1;
}
