import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { connect } from 'nats';
import { startNatsServer } from '../../src/cli/cluster/nats-server.ts';
import { startRedisServer } from '../../src/cli/cluster/redis-server.ts';
import type { ServerProcess } from '../../src/cli/cluster/server-process.ts';
import { describeRun, writeResult } from '../result-file.ts';
import { measureLog } from './log-constants.ts';
import { compareOpenClose } from './open-close.ts';
import { measureRedis } from './redis-constants.ts';
import type { ScaleResult } from './scale-result.ts';
import { measuredTable } from './scale-tables.ts';

const USAGE = `npm run bench:scale -- [--sessions <n>] [--leases <n>] [--runs <n>] [--name <file>]

Measures what Redis and NATS hold and do for nodes and sessions, and writes bench/results/<file>.json, from which
"npm run docs" makes the tables of docs/scale.md. With what it does by default it takes about ten minutes.
  --sessions   ended sessions in the log, 1000000 by default
  --leases     live sessions of a node, 10000 by default
  --runs       sessions opened and closed on each side, 1000 by default
  --name       name of the result file, scale by default
`;

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

interface Counts {
  readonly sessions: number;
  readonly leases: number;
  readonly runs: number;
}

async function measure({ sessions, leases, runs }: Counts, command: string): Promise<ScaleResult> {
  const folder = await mkdtemp(path.join(tmpdir(), 'mayfly-scale-'));
  const started: ServerProcess[] = [];
  const own = <Server extends ServerProcess>(server: Server): Server => {
    started.push(server);
    return server;
  };
  const redisAt = async (name: string) => own(await startRedisServer({ folder: path.join(folder, name), persistent: true }));
  const natsAt = async (name: string) => own(await startNatsServer({ folder: path.join(folder, name) }));
  try {
    note(`leases of ${leases} sessions`);
    const redis = await measureRedis(await redisAt('redis'), leases);
    const full = { redis: await redisAt('redis-full'), nats: await natsAt('nats-full') };
    const log = await measureLog(full.nats, folder, sessions, note);
    const empty = { redis: await redisAt('redis-empty'), nats: await natsAt('nats-empty') };
    const openClose = await compareOpenClose(empty, full, runs, note);
    const versions = { 'nats-server': await natsVersion(full.nats.url) };
    return { ...describeRun(command, versions), redis, log, open_close: openClose };
  } finally {
    await Promise.all(started.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

async function natsVersion(url: string): Promise<string> {
  const nats = await connect({ servers: url });
  const version = nats.info?.version ?? 'unknown';
  await nats.close();
  return version;
}

/** @throws for anything but a whole number above 0 */
function count(name: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`--${name} is a whole number above 0`);
  return Number(text);
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      sessions: { ...text, default: '1000000' },
      leases: { ...text, default: '10000' },
      runs: { ...text, default: '1000' },
      name: { ...text, default: 'scale' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const counts = { sessions: count('sessions', values.sessions), leases: count('leases', values.leases), runs: count('runs', values.runs) };
  const command = ['npm run bench:scale', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
  const result = await measure(counts, command);
  const file = await writeResult(values.name, result);
  process.stdout.write(`${measuredTable(result)}\n\nWritten to ${file}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 1;
}
