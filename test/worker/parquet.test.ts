import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Slot } from '../../src/ports/table-engine.ts';
import { bodyOf, bytesOf, name, rows, startPool, work, type Pool } from './harness.ts';

let pool: Pool;
let slot: Slot;

beforeAll(async () => {
  pool = await startPool({ spareWorkers: 0 });
  ({ slot } = await pool.open('acme'));
});
afterAll(() => pool[Symbol.asyncDispose]());

const parquetOf = async (query: string, parameters?: readonly unknown[]): Promise<Buffer> =>
  bytesOf((await slot.query({ query, format: 'parquet', ...(parameters && { parameters }) }, work())).body);
const insert = (table: string, bytes: Uint8Array, options = work()): Promise<{ rows: number }> => slot.insert(name(table), 'parquet', bodyOf(bytes), options);
const make = async (table: string, columns: Readonly<Record<string, string>>): Promise<void> => {
  const origin = { kind: 'columns', columns: Object.entries(columns).map(([column, type]) => ({ name: column, type })) } as const;
  await slot.createTable(name(table), origin, [], work());
};

/** Files anywhere below the pool's spill folder. */
async function filesLeft(): Promise<string[]> {
  const entries = await readdir(pool.spillRoot, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe('rows as Parquet', () => {
  it('go out in the order of the statement, under names that differ, and leave no file behind', async () => {
    const bytes = await parquetOf('SELECT i AS a, i * 2 AS a, sum(i) OVER () AS total FROM range(100000) t(i) ORDER BY i DESC');
    expect([bytes.subarray(0, 4).toString(), bytes.subarray(-4).toString()]).toEqual(['PAR1', 'PAR1']);
    await make('out', { a: 'BIGINT', a_1: 'BIGINT', total: 'HUGEINT' });
    expect(await insert('out', bytes)).toMatchObject({ rows: 100_000 });
    expect(await rows(slot, 'SELECT a, a_1, total FROM out LIMIT 2')).toEqual([
      [99_999, 199_998, '4999950000'],
      [99_998, 199_996, '4999950000'],
    ]);
    expect(await filesLeft()).toEqual([]);
  });

  it.each(['DESCRIBE out', 'SUMMARIZE out', 'SHOW TABLES', 'VALUES (1), (2)', 'FROM out LIMIT 0', 'WITH x AS (SELECT 1) FROM x', 'SELECT 1 -- with a comment'])(
    'answer %s',
    async (query) => {
      expect((await parquetOf(query)).subarray(-4).toString()).toBe('PAR1');
    },
  );

  it('take parameters', async () => {
    await make('given', { n: 'INTEGER', t: 'VARCHAR' });
    await insert('given', await parquetOf('SELECT $1 AS n, $2 AS t WHERE $1 > 3', [7, "it's"]));
    expect(await rows(slot, 'FROM given')).toEqual([[7, "it's"]]);
  });

  it('tell a failure, and refuse what is not read like a table, before anything is done', async () => {
    await expect(parquetOf("SELECT CAST('x' || i AS INTEGER) FROM range(10) t(i)")).rejects.toMatchObject({ code: 'query_error' });
    await expect(parquetOf('EXPLAIN SELECT 1')).rejects.toMatchObject({ code: 'not_acceptable' });
    await expect(parquetOf('DELETE FROM given RETURNING n')).rejects.toMatchObject({ code: 'not_acceptable' });
    await expect(parquetOf('SELECT union_value(a := 1) AS u')).rejects.toMatchObject({ code: 'unsupported_type', fields: { field: 'u' } });
    expect(await rows(slot, 'SELECT count(*) FROM given')).toEqual([[1]]);
    const changed = await slot.query({ query: 'DELETE FROM given', format: 'parquet' }, work());
    expect([changed.format, (await bytesOf(changed.body)).toString()]).toEqual(['json', '{"rows_changed":1}']);
    expect(await filesLeft()).toEqual([]);
  });

  it('are interrupted like any statement', async () => {
    const long = slot.query({ query: 'SELECT count(*) FROM range(100000000000) a, range(100) b', format: 'parquet' }, work({ timeoutMs: 300 }));
    await expect(long).rejects.toMatchObject({ code: 'query_timeout' });
    expect(await filesLeft()).toEqual([]);
  });
});

describe('Parquet bodies', () => {
  it('hold every type a column can have, or what stands for it', async () => {
    const columns = {
      b: 'BOOLEAN',
      t: 'TINYINT',
      u: 'UBIGINT',
      h: 'HUGEINT',
      f: 'FLOAT',
      d: 'DECIMAL(38,10)',
      v: 'VARCHAR',
      x: 'BLOB',
      day: 'DATE',
      clock: 'TIME',
      s: 'TIMESTAMP_S',
      ms: 'TIMESTAMP_MS',
      us: 'TIMESTAMP',
      ns: 'TIMESTAMP_NS',
      tz: 'TIMESTAMP WITH TIME ZONE',
      i: 'INTERVAL',
      id: 'UUID',
      bits: 'BIT',
      e: "ENUM('a', 'b')",
      l: 'HUGEINT[]',
      arr: 'DOUBLE[2]',
      st: 'STRUCT(a INTERVAL, "b c" VARCHAR)',
      m: 'MAP(VARCHAR, INTEGER)',
    };
    await make('every', columns);
    await make('again', columns);
    const values = `true, -128, '18446744073709551615', '99999999999999999999999999999999999999', 0.1, '1234567890123456789012345678.0123456789', 'a "quoted" text', '\\xFF\\x00',
      '2026-02-28', '23:59:59.999999', '2026-01-31 01:02:03', '2026-01-31 01:02:03.004', '2026-01-31 01:02:03.000004', '2026-01-31 01:02:03.000000004', '2026-01-31 01:02:03+00',
      '-1 year 2 days 00:00:00.000001', '8d3a1e44-0c1c-4b57-9a0d-0d6f1f3b2c11', '10101', 'b', [1, NULL, -7], [1.5, NULL], {'a': INTERVAL 3 days, 'b c': NULL}, MAP {'k': 1}`;
    await rows(
      slot,
      `INSERT INTO every VALUES (${values}), (${Object.keys(columns)
        .map(() => 'NULL')
        .join(', ')})`,
    );
    expect(await insert('again', await parquetOf('FROM every'))).toMatchObject({ rows: 2 });
    expect(await rows(slot, 'SELECT COLUMNS(*)::VARCHAR FROM again')).toEqual(await rows(slot, 'SELECT COLUMNS(*)::VARCHAR FROM every'));
  });

  it('are held against the table like Arrow ones', async () => {
    await make('narrow', { a: 'INTEGER', s: 'TIMESTAMP_S', p: 'INTEGER[2]' });
    const good = "SELECT 1::INTEGER AS a, TIMESTAMP '2026-01-01' AS s, [1, 2]::INTEGER[] AS p";
    const refused = async (query: string, error: object): Promise<void> => {
      await expect(insert('narrow', await parquetOf(query))).rejects.toMatchObject(error);
    };
    await refused("SELECT 1::BIGINT AS a, TIMESTAMP '2026-01-01' AS s, [1, 2] AS p", {
      code: 'schema_mismatch',
      fields: { column: 'a', expected: '"a" INTEGER', actual: '"a" BIGINT' },
    });
    await refused("SELECT 1 AS a, TIMESTAMP '2026-01-01' AS z, [1, 2] AS p", { code: 'schema_mismatch', fields: { column: 's' } });
    await refused('SELECT 1 AS a', { code: 'schema_mismatch', fields: { column: 's', actual: 'no column' } });
    await refused("SELECT 1 AS a, TIMESTAMP '2026-01-01 00:00:00.5' AS s, [1, 2] AS p", { code: 'value_out_of_range', fields: { field: 's' } });
    await refused("SELECT 1 AS a, TIMESTAMP '2026-01-01' AS s, [1] AS p", { code: 'value_out_of_range' });
    expect(await insert('narrow', await parquetOf(good))).toMatchObject({ rows: 1 });
    expect(await filesLeft()).toEqual([]);
  });

  it('insert all or nothing, whatever the last row does', async () => {
    await slot.createTable(name('keyed'), { kind: 'columns', columns: [{ name: 'k', type: 'BIGINT' }] }, ['k'], work());
    await expect(insert('keyed', await parquetOf('SELECT CASE i WHEN 99999 THEN 0 ELSE i END AS k FROM range(100000) t(i)'))).rejects.toMatchObject({
      code: 'constraint_violation',
    });
    expect(await rows(slot, 'SELECT count(*) FROM keyed')).toEqual([[0]]);
  });

  it('that are cut off, or no Parquet at all, are refused, and the session lives on', async () => {
    const whole = await parquetOf('SELECT i AS k FROM range(5000) t(i)');
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('PAR1'),
      Buffer.alloc(1_000),
      whole.subarray(0, -1),
      whole.subarray(4),
      whole.subarray(0, whole.length / 2),
    ]) {
      const refusal = insert('keyed', bytes);
      await expect(refusal).rejects.toMatchObject({ code: 'invalid_rows' });
      await expect(refusal).rejects.not.toThrow(pool.spillRoot);
    }
    expect(await insert('keyed', whole)).toMatchObject({ rows: 5_000 });
    expect(await filesLeft()).toEqual([]);
  });

  it.each(['crash.parquet', 'poison.parquet', 'impossible.parquet'])('that would break DuckDB (%s) are refused, and break no worker', async (file) => {
    const bytes = await readFile(new URL(`parquet/${file}`, import.meta.url));
    await expect(insert('keyed', bytes)).rejects.toMatchObject({ code: 'invalid_rows' });
    expect(await rows(slot, 'SELECT count(*) FROM keyed')).toEqual([[5_000]]);
    expect(pool.pids.size).toBe(1);
  });
});
