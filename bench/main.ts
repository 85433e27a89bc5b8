import path from 'node:path';
import { parseArgs } from 'node:util';
import { prepareThreeColumns, prepareTwentyColumns } from './bulk/workloads.ts';
import { terminalTable } from './figures-table.ts';
import { measureManySessions, type ManySessions } from './many-sessions.ts';
import { measure } from './measure.ts';
import { startNode } from './node-process.ts';
import { startPostgres } from './postgres.ts';
import { describeRun, writeResult } from './result-file.ts';
import type { BenchResult, Measurement } from './result-file.ts';
import { prepareWorkloads, type Workloads } from './workloads.ts';

const USAGE = `npm run bench -- [--quick] [--only W1,W4,W5] [--name <file>] [--profile]

Measures Mayfly beside raw DuckDB, and beside PostgreSQL where it is installed, in the same run; prints a table and
writes bench/results/<file>.json.
  --quick   few runs, to see that it works; writes quick.json
  --only    these workloads alone
  --name    name of the result file, one-process by default
  --profile the CPU profile of the node's process as well, in bench/profiles: a flame graph in Chrome's DevTools or
            speedscope.app; best with --only
`;
const MANY_SESSIONS = 'W5';
const PROFILES = 'bench/profiles';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      name: { type: 'string' },
      profile: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const wanted = values.only?.split(',');
  const isWanted = (id: string): boolean => wanted === undefined || wanted.includes(id);
  const { measurements, versions } = await runWorkloads(isWanted, values.quick, values.profile ? path.resolve(PROFILES) : undefined);
  const many = isWanted(MANY_SESSIONS) ? await manySessions(values.quick) : undefined;
  if (measurements.length === 0 && many === undefined) throw new Error(`There is no workload ${values.only ?? ''}`);
  const command = ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
  const result: BenchResult = { ...describeRun(command, versions), measurements, ...(many === undefined ? {} : { many_sessions: many }) };
  const file = await writeResult(values.name ?? (values.quick ? 'quick' : 'one-process'), result);
  process.stdout.write(`${terminalTable(result)}\n\nWritten to ${file}\n`);
}

interface Taken {
  readonly measurements: readonly Measurement[];
  readonly versions: Readonly<Record<string, string>>;
}

async function runWorkloads(isWanted: (id: string) => boolean, quick: boolean, profiles: string | undefined): Promise<Taken> {
  const started: { stop(): Promise<void> }[] = [];
  const start = async <Server extends { stop(): Promise<void> } | undefined>(starting: Promise<Server>): Promise<Server> => {
    const server = await starting;
    if (server !== undefined) started.push(server);
    return server;
  };
  try {
    const node = await start(startNode([], profiles));
    const withoutReuse = await start(startNode(['--reuse-slots', 'false']));
    const postgres = await start(startPostgres());
    const measurements = [...(await measureAll(await prepareWorkloads({ node, withoutReuse, postgres }, quick), isWanted))];
    if (['W2', 'W3'].some(isWanted)) measurements.push(...(await measureAll(await prepareThreeColumns(node, quick), isWanted)));
    if (isWanted('W6')) measurements.push(...(await measureAll(await prepareTwentyColumns(quick), isWanted)));
    return { measurements, versions: postgres === undefined ? {} : { PostgreSQL: postgres.version } };
  } finally {
    for (const server of started) await server.stop();
  }
}

async function measureAll({ list, close }: Workloads, isWanted: (id: string) => boolean): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const workload of list.filter(({ id }) => isWanted(id))) {
    for (const inFlight of workload.inFlight) measurements.push(...(await measure(workload, inFlight)));
  }
  await close();
  return measurements;
}

/** On a node that did nothing else: what it holds is looked at. */
async function manySessions(quick: boolean): Promise<ManySessions> {
  process.stderr.write(`${MANY_SESSIONS}: many open sessions, and many deadlines at once\n`);
  const node = await startNode();
  try {
    return await measureManySessions(node, quick);
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
