import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/client/connect.ts';
import type { TenantHandle } from '../../src/client/tenant-handle.ts';
import type { LifecycleEntry } from '../../src/domain/gateway.ts';
import type { SessionId } from '../../src/domain/ids.ts';
import { parquetColumns, parquetEntries } from '../audit/parquet-entries.ts';
import { ServedNode } from '../e2e/served-node.ts';
import { runCli } from './run-cli.ts';

let scratch: string;
let node: ServedNode;
let acme: TenantHandle;
let mayfly: Awaited<ReturnType<typeof connect>>;

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'mayfly-audit-'));
  node = await ServedNode.start(path.join(scratch, 'data'));
  mayfly = await connect(node.url, { tenant: 'acme' });
  acme = mayfly.tenant();
});
afterAll(async () => {
  await mayfly.close();
  await node.end('SIGTERM');
  await rm(scratch, { recursive: true, force: true });
});

async function runSession(end: 'close' | 'forceClose', rows: number, of = acme): Promise<SessionId> {
  const session = await of.openSession();
  await session.createTable('numbers', { columns: [{ name: 'n', type: 'BIGINT' }] });
  await session.sql('INSERT INTO numbers SELECT range FROM range($1)', { parameters: [rows] });
  await session[end]();
  return session.id;
}

async function streamed(from = 0, sessionId?: SessionId): Promise<readonly LifecycleEntry[]> {
  const entries: LifecycleEntry[] = [];
  for await (const entry of acme.lifecycle({ from, ...(sessionId === undefined ? {} : { sessionId }) })) entries.push(entry);
  return entries;
}

async function exported(...flags: readonly string[]) {
  return runCli(['audit', 'export', ...flags], { MAYFLY_URL: node.url, MAYFLY_TENANT: 'acme' });
}

/** A folder of its own, so that what an export leaves beside its file shows. */
async function emptyFolder(): Promise<string> {
  return mkdtemp(path.join(scratch, 'exports-'));
}

describe('mayfly audit export', () => {
  it("writes a tenant's records as they are streamed, and goes on where it ended", async () => {
    const folder = await emptyFolder();
    const other = await connect(node.url, { tenant: 'other' });
    await Promise.all([runSession('close', 3), runSession('forceClose', 5), runSession('close', 7, other.tenant())]);
    await other.close();

    const first = await exported('--to-file', path.join(folder, 'first.parquet'));
    expect(first).toMatchObject({ code: 0, stderr: `4 records written to ${path.join(folder, 'first.parquet')}\n` });
    const before = await streamed();
    expect(await parquetEntries(path.join(folder, 'first.parquet'))).toEqual(before);

    const last = await runSession('close', 11);
    const second = await exported('--from', first.stdout.trim(), '--to-file', path.join(folder, 'second.parquet'), '--json');
    const after = await streamed(before.at(-1)!.offset + 1);
    expect(after.map(({ record }) => record.session_id)).toEqual([last, last]);
    expect(await parquetEntries(path.join(folder, 'second.parquet'))).toEqual(after);
    expect(JSON.parse(second.stdout)).toEqual({ file: path.join(folder, 'second.parquet'), records: 2, next_offset: after.at(-1)!.offset + 1 });
    expect(await readdir(folder)).toEqual(['first.parquet', 'second.parquet']);
  });

  it('gives columns their types', async () => {
    await runSession('close', 1);
    const file = path.join(await emptyFolder(), 'typed.parquet');
    await exported('--to-file', file);
    expect(await parquetColumns(file)).toEqual({
      offset: 'BIGINT',
      session_id: 'VARCHAR',
      tenant_id: 'VARCHAR',
      event: 'VARCHAR',
      occurred_at: 'TIMESTAMP',
      ephemeral_table_count: 'BIGINT',
      deleted_row_count: 'BIGINT',
      reason: 'VARCHAR',
      counted: 'VARCHAR',
      proof: 'VARCHAR',
      erasure: 'STRUCT(memory VARCHAR, spill VARCHAR, journal VARCHAR)',
      surviving_tables: 'VARCHAR[]',
      attempted_event: 'VARCHAR',
    });
  });

  it('writes lines as the node sends them, of one session alone when that is asked', async () => {
    const session = await runSession('close', 2);
    await runSession('close', 2);
    const file = path.join(await emptyFolder(), 'lines.ndjson');
    expect(await exported('--format', 'ndjson', '--session', session, '--to-file', file)).toMatchObject({ code: 0 });
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(await streamed(0, session));
    expect(lines).toHaveLength(2);
  });

  it('writes no file when there is nothing to write, and says where to go on all the same', async () => {
    const folder = await emptyFolder();
    const done = await exported('--from', '900000', '--to-file', path.join(folder, 'none.parquet'), '--json');
    expect(done).toMatchObject({ code: 0, stdout: '{"file":null,"records":0,"next_offset":900000}\n' });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('mayfly audit export refuses', () => {
  it.each([
    [[], '--to-file'],
    [['--to-file', '/nowhere/records.parquet'], '/nowhere'],
    [['--to-file', 'records.csv', '--format', 'csv'], 'csv'],
    [['--to-file', 'records.parquet', '--from', '-1'], '-1'],
    [['--to-file', 'records.parquet', '--session', 'not-an-id'], 'not-an-id'],
  ])('%j as wrong usage', async (flags, named) => {
    const { code, stdout, stderr } = await exported(...flags);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^invalid_request: /);
    expect(stderr).toContain(named);
  });

  it('to write over an earlier export', async () => {
    const file = path.join(await emptyFolder(), 'kept.parquet');
    await writeFile(file, 'kept');
    expect(await exported('--to-file', file)).toMatchObject({ code: 2, stderr: expect.stringContaining('is there already') as string });
    expect(await readFile(file, 'utf8')).toBe('kept');
  });

  it('a node that is not there, and leaves nothing behind', async () => {
    const folder = await emptyFolder();
    const failed = await exported('--url', 'http://127.0.0.1:1', '--to-file', path.join(folder, 'records.parquet'));
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toMatch(/^unavailable: /);
    expect(await readdir(folder)).toEqual([]);
  });
});
