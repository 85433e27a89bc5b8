import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type ClientConfig } from 'pg';
import { leash } from '../src/cli/cluster/leash.ts';
import { freePorts } from '../src/cli/cluster/free-port.ts';
import { ORDER_AMOUNTS, ORDER_BUYERS, ORDER_IDS, ORDER_ROWS, ORDER_SUMMARY, checkSummary } from './orders.ts';

const START_MS_MAX = 30_000;
const POLL_MS = 50;
/** Where Debian puts the programs of each version. */
const DEBIAN_FOLDER = '/usr/lib/postgresql';
/** PostgreSQL refuses to run as root; Debian makes this user for it. */
const SERVER_USER = 'postgres';

/** A PostgreSQL server of its own on a free port, with its default settings: every commit is fsynced. */
export interface Postgres {
  readonly version: string;
  /** W1 in temporary tables, which live as long as their connection: one a session. Its two records are committed rows. */
  readonly wholeSession: () => Promise<void>;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
}

/** Undefined, and told on standard error, where PostgreSQL is not installed. */
export async function startPostgres(): Promise<Postgres | undefined> {
  const programs = programFolder();
  if (programs === undefined) {
    process.stderr.write('PostgreSQL is not on this machine, so W1 goes without it. On Debian or Ubuntu: sudo apt-get install -y postgresql\n');
    return undefined;
  }
  const user = serverUser();
  const folder = mkdtempSync(path.join(tmpdir(), 'mayfly-postgres-'));
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const made = spawnSync(path.join(programs, 'initdb'), ['-D', folder, '-A', 'trust', '-U', SERVER_USER, '--no-locale', '-E', 'UTF8'], {
    ...user,
    cwd: folder,
  });
  if (made.status !== 0) throw new Error(`initdb failed: ${String(made.stderr)}`);
  const [port = 0] = await freePorts(1);
  const server = spawn(path.join(programs, 'postgres'), ['-D', folder, '-p', String(port), '-k', folder, '-c', 'listen_addresses=127.0.0.1'], {
    ...user,
    cwd: folder,
    stdio: 'ignore',
  });
  const exited = once(server, 'exit');
  const letOff = server.pid === undefined ? () => undefined : leash(server.pid);
  const stop = async (): Promise<void> => {
    server.kill('SIGINT');
    await exited;
    letOff();
    await rm(folder, { recursive: true, force: true });
  };
  const target: ClientConfig = { host: '127.0.0.1', port, user: SERVER_USER, database: 'postgres' };
  try {
    return { version: await prepared(target), wholeSession: () => wholeSession(target), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function wholeSession(target: ClientConfig): Promise<void> {
  const client = new Client(target);
  await client.connect();
  try {
    await record(client, 'opened', 0);
    await client.query('CREATE TEMPORARY TABLE orders (id bigint PRIMARY KEY, amount double precision, buyer text)');
    const columns = [ORDER_IDS.map(String), ORDER_AMOUNTS, ORDER_BUYERS];
    await client.query('INSERT INTO orders SELECT * FROM unnest($1::bigint[], $2::double precision[], $3::text[])', columns);
    const { rows } = await client.query<unknown[]>({ text: ORDER_SUMMARY, rowMode: 'array' });
    checkSummary(rows[0]);
    await client.query('DROP TABLE orders');
    await record(client, 'closed', ORDER_ROWS);
  } finally {
    await client.end();
  }
}

async function record(client: Client, event: string, rows: number): Promise<void> {
  await client.query('INSERT INTO lifecycle (event, deleted_rows) VALUES ($1, $2)', [event, rows]);
}

/** Waits until it answers. @returns its version */
async function prepared(target: ClientConfig): Promise<string> {
  const untilMs = performance.now() + START_MS_MAX;
  for (;;) {
    const client = new Client(target);
    try {
      await client.connect();
      await client.query('CREATE TABLE lifecycle (id bigserial PRIMARY KEY, event text, deleted_rows integer, occurred_at timestamptz DEFAULT now())');
      const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
      return rows[0]?.server_version ?? 'unknown';
    } catch (error) {
      if (performance.now() >= untilMs) throw new Error(`PostgreSQL did not answer within ${START_MS_MAX} ms`, { cause: error });
      await delay(POLL_MS);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

/** The newest one of Debian's, or the one on PATH. */
function programFolder(): string | undefined {
  const versions = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER).toSorted((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => path.join(DEBIAN_FOLDER, version, 'bin')), ...(process.env['PATH'] ?? '').split(path.delimiter)];
  return folders.find((folder) => ['initdb', 'postgres'].every((program) => existsSync(path.join(folder, program))));
}

/** Undefined for anybody but root, who runs it as that user. */
function serverUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${SERVER_USER}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) throw new Error(`PostgreSQL does not run as root, and there is no user "${SERVER_USER}" to run it as`);
  return { uid: Number(uid), gid: Number(gid) };
}
