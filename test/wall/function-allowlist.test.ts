import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { ALLOWED_FUNCTIONS, ALLOWED_TABLE_FUNCTIONS } from '../../src/duckdb/function-allowlist.ts';
import { REFUSED_FUNCTIONS } from '../../src/duckdb/function-allowlist-refused.ts';

/** Refused although this build does not have it. */
const NOT_IN_THIS_BUILD = new Set(['getenv']);

async function query(sql: string): Promise<string[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll(sql)).getRows();
  connection.closeSync();
  instance.closeSync();
  return rows.map((row) => String(row[0]));
}

it('judges every function of the pinned DuckDB, each once', async () => {
  const names = await query('SELECT DISTINCT lower(function_name) FROM duckdb_functions()');
  expect(names.length).toBeGreaterThan(900);
  const known = new Set(names);
  expect(names.filter((name) => !ALLOWED_FUNCTIONS.has(name) && !REFUSED_FUNCTIONS.has(name))).toEqual([]);
  expect([...ALLOWED_FUNCTIONS].filter((name) => REFUSED_FUNCTIONS.has(name))).toEqual([]);
  expect([...ALLOWED_FUNCTIONS, ...REFUSED_FUNCTIONS].filter((name) => !known.has(name) && !NOT_IN_THIS_BUILD.has(name))).toEqual([]);
});

it('lets no table function through but those that make rows from their arguments', async () => {
  const names = await query("SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE function_type IN ('table', 'table_macro')");
  expect(names.filter((name) => ALLOWED_TABLE_FUNCTIONS.has(name)).sort()).toEqual([...ALLOWED_TABLE_FUNCTIONS].sort());
  // `histogram` is an aggregate too; as a table function it reads any relation named by a text.
  expect(names.filter((name) => ALLOWED_FUNCTIONS.has(name) && !ALLOWED_TABLE_FUNCTIONS.has(name))).toEqual(['histogram']);
});
