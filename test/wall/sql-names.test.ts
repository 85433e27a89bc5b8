import { describe, expect, it } from 'vitest';
import { parseSessionId } from '../../src/domain/ids.ts';
import { parseLogicalName, physicalId } from '../../src/domain/table-name.ts';
import { rewriteNames } from '../../src/duckdb/sql-names.ts';
import { readTokens } from '../../src/duckdb/sql-tokens.ts';

const session = parseSessionId('11111111-2222-4333-8444-555555555555');
const tables = ['items', '2024_sales'].map(parseLogicalName);
const OWN = physicalId(session, parseLogicalName('items'));
const rewrite = (sql: string) => rewriteNames(sql, readTokens(sql).tokens, { session, tables, table: parseLogicalName('items') });

describe('names in SQL', () => {
  it.each([
    ['FROM {table}', 'FROM mutable.public."items"'],
    ['FROM {2024_sales}', 'FROM mutable.public."2024_sales"'],
    ['FROM{table}', 'FROM mutable.public."items"'],
    ['({table})', '(mutable.public."items")'],
    ['FROM {table}"i"', 'FROM mutable.public."items" "i"'],
    ['mutable.public.{table}', 'mutable.public."items"'],
    [`mutable.public."${OWN}"`, 'mutable.public."items"'],
    [`"mutable"."public"."${OWN}"`, '"mutable"."public"."items"'],
    [`public.${OWN}`, 'public."items"'],
    [OWN.toUpperCase(), 'mutable.public."items"'],
    [`SELECT "${OWN}".id`, 'SELECT mutable.public."items".id'],
  ])('%s becomes %s', (sql, rewritten) => expect(rewrite(sql)).toBe(rewritten));

  it.each([
    `'{table}'`,
    `'it''s {table}'`,
    `"{table}"`,
    `"a""{table}"`,
    `'${OWN}'`,
    `"x${OWN}"`,
    '$${table}$$',
    '$t$ {table} $$ {table} $t$',
    `E'\\'{table}'`,
    `{'table': 1}`,
    '{table: 1}',
    '{ table }',
    'MAP {}',
    'a$b{',
    `U&'{table}'`,
  ])('%s stays as it is', (sql) => expect(rewrite(sql)).toBe(sql));

  it('blanks comments and keeps the lines', () => {
    expect(rewrite('SELECT 1 -- {nope}\n, /* {nope} /* {nope} */ \n */ 2')).toBe('SELECT 1 \n, \n 2');
    expect(rewrite('SELECT 4/2 - 1')).toBe('SELECT 4/2 - 1');
  });
});
