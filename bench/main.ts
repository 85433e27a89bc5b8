import { parseArgs } from 'node:util';
import { terminalTable } from './figures-table.ts';
import { measure } from './measure.ts';
import { startNode } from './node-process.ts';
import { describeRun, writeResult } from './result-file.ts';
import type { BenchResult, Measurement } from './result-file.ts';
import { prepareWorkloads } from './workloads.ts';

const USAGE = `npm run bench -- [--quick] [--only W1,W4] [--name <file>]

Measures Mayfly over HTTP beside raw DuckDB in the same run, prints a table and writes bench/results/<file>.json.
  --quick   few runs, to see that it works; writes quick.json
  --only    these workloads alone
  --name    name of the result file, one-process by default
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, only: { type: 'string' }, name: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const wanted = values.only?.split(',');
  const node = await startNode();
  try {
    const workloads = await prepareWorkloads(node, values.quick);
    const chosen = workloads.list.filter(({ id }) => wanted === undefined || wanted.includes(id));
    if (chosen.length === 0) throw new Error(`There is no workload ${values.only ?? ''}; there are ${workloads.list.map(({ id }) => id).join(' and ')}`);
    const measurements: Measurement[] = [];
    for (const workload of chosen) {
      for (const inFlight of workload.inFlight) measurements.push(...(await measure(workload, inFlight)));
    }
    await workloads.close();
    const command = ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
    const result: BenchResult = { ...describeRun(command), measurements };
    const file = await writeResult(values.name ?? (values.quick ? 'quick' : 'one-process'), result);
    process.stdout.write(`${terminalTable(measurements)}\n\nWritten to ${file}\n`);
  } finally {
    await node.stop();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 1;
}
