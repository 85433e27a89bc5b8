import fc from 'fast-check';
import { REFUSED_FUNCTIONS } from '../../src/duckdb/function-allowlist-refused.ts';
import { readTokens } from '../../src/duckdb/sql-tokens.ts';
import { HOSTILE_STATEMENTS } from './hostile-statements.ts';
import { USEFUL_STATEMENTS } from './useful-statements.ts';

/** Longer ones are tested on their own; here they would only slow the others down. */
const CORPUS = [...HOSTILE_STATEMENTS, ...USEFUL_STATEMENTS].map(({ sql }) => sql).filter((sql) => sql.length < 2_000);

/** What is thrown between tokens: blanks, quotes, comments and brackets that lexers disagree on. */
const GRIT = [
  ' ',
  '',
  '\n',
  '\u200b',
  '\u00a0',
  '\ufeff',
  '/**/',
  '/*',
  '*/',
  '--',
  '--\n',
  "'",
  '"',
  '""',
  "''",
  '$$',
  '$1',
  '$a$',
  '?',
  ';',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  '{table}',
  '{items}',
  '\\',
  '`',
  ',',
  '.',
  '..',
  '::',
  ':=',
  '->',
  '|',
  '!',
  '@',
  "E'",
  "X'00'",
  "U&'",
  'é',
  'K',
  '😀',
  '\u0301',
  '\t',
  '\r',
  '1',
  '1.',
  '1e9',
  '.5',
  'NULL',
  '*',
] as const;
const WORDS = [
  'SELECT',
  'FROM',
  'WHERE',
  'WITH',
  'RECURSIVE',
  'AS',
  'INSERT INTO',
  'UPDATE',
  'DELETE FROM',
  'RETURNING',
  'SET',
  'VALUES',
  'EXPLAIN',
  'ANALYZE',
  'PIVOT',
  'IN',
  'ON',
  'UNION ALL',
  'CREATE',
  'DROP',
  'PRAGMA',
  'CALL',
  'COPY',
  'ATTACH',
  'USE',
  'SHOW',
  'DESCRIBE',
  'SUMMARIZE',
  'items',
  'scratch',
  'duckdb_settings',
  'information_schema.tables',
  'sqlite_master',
  "'x.csv'",
  'upper(',
  'unnest(',
] as const;

type Mutation = readonly [op: 'drop' | 'repeat' | 'swap' | 'insert' | 'graft' | 'call', at: number, with_: number];

const mutation: fc.Arbitrary<Mutation> = fc.tuple(fc.constantFrom('drop', 'repeat', 'swap', 'insert', 'graft', 'call'), fc.nat(10_000), fc.nat(100_000));

/** Statements of both lists, taken apart at their tokens and put together wrongly. */
export const mutatedSql: fc.Arbitrary<string> = fc
  .tuple(fc.nat(CORPUS.length - 1), fc.array(mutation, { maxLength: 5 }))
  .map(([index, mutations]) => mutations.reduce(mutate, pieces(CORPUS[index] as string)).join(''));

/** Refused functions called within otherwise fine SELECTs, in many dresses. */
export const refusedCall: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(
      ...USEFUL_STATEMENTS.filter(({ kind, sql }) => kind === undefined && !/^(explain|describe|summarize|show|unpivot|pivot)/i.test(sql)).map(
        ({ sql }) => sql,
      ),
    ),
    fc.nat(10_000),
    fc.constantFrom(...REFUSED_FUNCTIONS),
    fc.constantFrom<(name: string) => string>(
      (name) => name,
      (name) => name.toUpperCase(),
      (name) => `"${name}"`,
      (name) => `main.${name}`,
      (name) => `"main"."${name}"`,
    ),
    fc.constantFrom('', ' ', '\n', '/**/', '--x\n', '\u200b', '\u00a0', '/*(*/'),
  )
  .map(([sql, at, name, dress, gap]) => {
    const parts = pieces(sql);
    const calls = parts.flatMap((part, index) => (/^[a-z_]\w*$/i.test(part) && parts[index + 1] === '(' ? [index] : []));
    if (calls.length === 0) return `SELECT ${dress(name)}${gap}(1), (${sql.replace(/;$/, '')})`;
    parts[calls[at % calls.length] as number] = dress(name) + gap;
    return parts.join('');
  });

/** Tokens and what stands between them, in order. */
function pieces(sql: string): string[] {
  const found: string[] = [];
  let end = 0;
  for (const token of tokensOf(sql)) {
    if (token.start > end) found.push(sql.slice(end, token.start));
    found.push(sql.slice(token.start, token.end));
    end = token.end;
  }
  return [...found, sql.slice(end)];
}

function tokensOf(sql: string): readonly { readonly start: number; readonly end: number }[] {
  try {
    return readTokens(sql).tokens;
  } catch {
    return [];
  }
}

function mutate(parts: readonly string[], [op, at, with_]: Mutation): string[] {
  const here = parts.length === 0 ? 0 : at % parts.length;
  const cut = (count: number, ...instead: string[]) => [...parts.slice(0, here), ...instead, ...parts.slice(here + count)];
  switch (op) {
    case 'drop':
      return cut(1 + (with_ % 3));
    case 'repeat':
      return cut(0, ...parts.slice(here, here + 1 + (with_ % 8)));
    case 'swap':
      return cut(2, parts[here + 1] ?? '', parts[here] ?? '');
    case 'insert':
      return cut(with_ % 2, with_ % 3 === 0 ? ` ${WORDS[with_ % WORDS.length]} ` : (GRIT[with_ % GRIT.length] as string));
    case 'graft': {
      const other = pieces(CORPUS[with_ % CORPUS.length] as string);
      return cut(3, ...other.slice(at % other.length));
    }
    case 'call':
      return cut(1, ` ${[...REFUSED_FUNCTIONS][with_ % REFUSED_FUNCTIONS.size]}${GRIT[at % GRIT.length]}(`);
  }
}
