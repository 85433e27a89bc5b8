import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSqlPolicy, type SqlPolicy } from '../../src/duckdb/sql-policy.ts';
import { SESSION } from './sandboxed-session.ts';
import { parseLogicalName } from '../../src/domain/table-name.ts';

const tables = [parseLogicalName('t')];
const fill = (unit: string, chars = 900_000) => unit.repeat(Math.floor(chars / unit.length));
let policy: SqlPolicy;
beforeAll(async () => {
  policy = await createSqlPolicy();
});
afterAll(() => policy.close());

const judged = (query: string) =>
  policy.judge({ query, session: SESSION, tables }).then(
    (verdict) => verdict.kind,
    (error: { code: string }) => error.code,
  );

describe('statements made to hurt the parser', () => {
  it.each([
    ['brackets', `SELECT ${'('.repeat(200)}1${')'.repeat(200)}`],
    ['comments in comments', `SELECT 1 ${'/*'.repeat(200)}${'*/'.repeat(200)}`],
    ['comments that do not end', `SELECT 1${fill('/*')}`],
    ['NOT', `SELECT ${fill('NOT ')}true`],
    ['CASE', `SELECT ${fill('CASE WHEN true THEN ', 400_000)}1`],
    ['casts', `SELECT 1${fill('::INT')}`],
    ['sums', `SELECT 1${fill('+1')}`],
    ['types', `SELECT NULL::INT${fill('[]')}`],
    ['quotes', `SELECT '${fill("''")}`],
    ['minus in DML', `UPDATE t SET a = ${fill('- ')}1`],
  ])('%s answer query_error', async (_name, sql) => expect(await judged(sql)).toBe('query_error'));

  it('reads a comment that takes DuckDB itself half a minute', async () => {
    expect(await judged(`SELECT 1 ${fill('/**/')}`)).toBe('rows');
  });

  it('bounds length and parameters', async () => {
    expect(await judged(`SELECT ${fill('1,', 1_100_000)}1`)).toBe('invalid_request');
    expect(await judged(`SELECT ${fill('?,', 40_000)}?`)).toBe('invalid_request');
    expect(await judged('SELECT \ud800')).toBe('invalid_request');
  });
}, 60_000);
