import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServedNode } from './served-node.ts';

const TENANT = { 'mayfly-tenant': 'acme' };
const TYPES = {
  arrow: 'application/vnd.apache.arrow.stream',
  ndjson: 'application/x-ndjson',
  csv: 'text/csv',
  parquet: 'application/vnd.apache.parquet',
} as const;
const ROWS = "SELECT i AS id, CASE WHEN i % 7 <> 0 THEN 'row, ' || i END AS name, [i, NULL] AS tags, i / 8 AS part FROM range(3000) t(i) ORDER BY i";
const COLUMNS = [
  { name: 'id', type: 'BIGINT' },
  { name: 'name', type: 'VARCHAR' },
  { name: 'tags', type: 'BIGINT[]' },
  { name: 'part', type: 'DOUBLE' },
];

describe('every format over HTTP', () => {
  let dataDir: string;
  let node: ServedNode;
  let path: string;

  const send = (method: string, target: string, type: string, body: string | Uint8Array, headers = {}) =>
    fetch(node.url + target, {
      method,
      headers: { ...TENANT, 'content-type': type, 'accept-encoding': 'identity', ...headers },
      body: typeof body === 'string' ? body : new Uint8Array(body),
    });
  const sql = (query: string, accept = 'application/json') => send('POST', `${path}/sql`, 'application/json', JSON.stringify({ query }), { accept });
  const json = async (answer: Response): Promise<Record<string, unknown>> => (await answer.json()) as Record<string, unknown>;
  const rowsOf = async (query: string) => (await json(await sql(query)))['rows'];
  const bytesOf = async (query: string, accept: string) => Buffer.from(await (await sql(query, accept)).arrayBuffer());
  const make = (table: string) => send('PUT', `${path}/tables/${table}`, 'application/json', JSON.stringify({ columns: COLUMNS, primary_key: ['id'] }));

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'mayfly-formats-'));
    node = await ServedNode.start(dataDir, '--drain-ms', '0');
    path = `/v1/sessions/${(await json(await send('POST', '/v1/sessions', 'application/json', '{}')))['session_id'] as string}`;
  });
  afterAll(async () => {
    expect(await node.end('SIGTERM')).toBe(0);
    await rm(dataDir, { recursive: true });
  });

  describe.each(Object.entries(TYPES))('%s', (format, type) => {
    it('gives rows, and takes them back as they were, in gzip as well', async () => {
      await make(format);
      const answer = await sql(ROWS, type);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, type]);
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect(await json(await send('POST', `${path}/tables/${format}/rows`, type, bytes))).toEqual({ rows: 3_000 });
      expect(await rowsOf(`SELECT count(*) FROM (FROM ${format} EXCEPT ALL (${ROWS}))`)).toEqual([[0]]);
      await rowsOf(`DELETE FROM ${format}`);
      const coded = await send('POST', `${path}/tables/${format}/rows`, type, gzipSync(bytes), { 'content-encoding': 'gzip' });
      expect(await json(coded)).toEqual({ rows: 3_000 });
      expect(await rowsOf(`SELECT count(*), sum(id) FROM ${format}`)).toEqual([[3_000, '4498500']]);
    });

    it('I8: inserts nothing of a body whose connection is cut, nor of one whose last row is refused', async () => {
      const table = `cut_${format}`;
      await make(table);
      const bytes = await bytesOf(ROWS, type);
      for (const cut of [1, Math.floor(bytes.length / 2), bytes.length - 1]) {
        const socket = connect(Number(new URL(node.url).port), '127.0.0.1');
        await once(socket, 'connect');
        socket.write(
          `POST ${path}/tables/${table}/rows HTTP/1.1\r\nhost: x\r\nmayfly-tenant: acme\r\ncontent-type: ${type}\r\ncontent-length: ${bytes.length}\r\n\r\n`,
        );
        socket.end(bytes.subarray(0, cut));
        socket.resume();
        await once(socket, 'close');
      }
      const doubled = await bytesOf(`FROM (${ROWS}) UNION ALL FROM (${ROWS}) LIMIT 3001`, type);
      expect(await json(await send('POST', `${path}/tables/${table}/rows`, type, doubled))).toMatchObject({ code: 'constraint_violation' });
      expect(await rowsOf(`SELECT count(*) FROM ${table}`)).toEqual([[0]]);
    });

    it('I8: shows a result that fails, early by its status and late by a connection that is cut, compressed or not', async () => {
      const failing = (at: number) => `SELECT i, CASE WHEN i = ${at} THEN error('late') ELSE repeat('x', 20) END AS x FROM range(1000000) t(i)`;
      const early = await sql(failing(10), type);
      expect([early.status, (await json(early))['code']]).toEqual([400, 'query_error']);
      const late = await sql(failing(900_000), type);
      // A Parquet file is whole before its first byte is sent.
      if (format === 'parquet') expect(late.status).toBe(400);
      else await expect(late.arrayBuffer()).rejects.toThrow(/terminated/);
      const coded = await send('POST', `${path}/sql`, 'application/json', JSON.stringify({ query: failing(900_000) }), {
        accept: type,
        'accept-encoding': 'gzip',
      });
      if (format !== 'parquet') await expect(coded.arrayBuffer()).rejects.toThrow(/terminated/);
    });
  });

  it('answers a change of rows in the format that was asked for, and a Parquet client in JSON', async () => {
    await make('changed');
    await rowsOf("INSERT INTO changed VALUES (1, 'a', NULL, NULL)");
    expect(await (await sql('UPDATE changed SET part = 1', TYPES.csv)).text()).toBe('rows_changed\n1\n');
    expect(await (await sql('UPDATE changed SET part = 1', TYPES.ndjson)).text()).toBe('{"rows_changed":1}\n');
    const parquet = await sql('UPDATE changed SET part = 1', TYPES.parquet);
    expect([parquet.headers.get('content-type'), await parquet.json()]).toEqual(['application/json', { rows_changed: 1 }]);
    expect(await (await sql('DELETE FROM changed RETURNING id, name', TYPES.csv)).text()).toBe('id,name\n1,a\n');
  });

  it('refuses a body that is not in the coding it names', async () => {
    for (const body of [gzipSync('id\n1\n').subarray(0, -1), Buffer.from('id\n1\n')]) {
      const answer = await send('POST', `${path}/tables/csv/rows`, TYPES.csv, body, { 'content-encoding': 'gzip' });
      expect([answer.status, await answer.json()]).toMatchObject([400, { code: 'invalid_request', field: 'body' }]);
    }
  });
});
