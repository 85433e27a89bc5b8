import { InvalidRequest, QueryError, UnknownTable } from '../domain/errors.ts';
import type { SessionId } from '../domain/ids.ts';
import type { LogicalName } from '../domain/table-name.ts';
import type { Token } from './sql-tokens.ts';

/** What a statement may call its tables. */
export interface NameScope {
  readonly session: SessionId;
  /** The session's tables, all of them. */
  readonly tables: readonly LogicalName[];
  /** What `{table}` stands for. */
  readonly table?: LogicalName | undefined;
}

const PHYSICAL = /^__eph_([0-9a-f]{32})_([a-z0-9_]{1,24})$/;

/**
 * The statement with `{table}`, `{<logical>}` and the session's own physical ids replaced by `mutable.public."<logical>"`.
 * Literals and other quoted identifiers stay as they are; so does `{'a': 1}`. Comments become blanks: DuckDB takes
 * quadratic time for some (80 kB of them 28 s, without heeding an interrupt).
 * @throws UnknownTable for `{nope}`; QueryError for a physical id that is none of the session's, whose ever it is (I7)
 */
export function rewriteNames(sql: string, tokens: readonly Token[], scope: NameScope): string {
  let out = '';
  let end = 0;
  tokens.forEach((token, index) => {
    out += blanks(sql.slice(end, token.start));
    end = token.end;
    const name = tableMeant(token, scope);
    if (name === undefined) {
      out += sql.slice(token.start, token.end);
      return;
    }
    const before = tokens[index - 1];
    // After a dot the qualifiers are there already; glued to a word or a quote, the name would merge with it.
    const glued = before?.end === token.start && before.kind !== 'symbol';
    out += (glued ? ' ' : '') + (before?.kind === 'symbol' && before.name === '.' ? `"${name}"` : `mutable.public."${name}"`);
    if (sql[end] === '"') out += ' ';
  });
  return out + blanks(sql.slice(end));
}

/** What stands between two tokens, comments blanked; lines stay lines, for the positions in DuckDB's messages. */
function blanks(gap: string): string {
  return /[-/]/.test(gap) ? gap.replace(/[^\n]+/g, ' ') : gap;
}

function tableMeant(token: Token, scope: NameScope): LogicalName | undefined {
  if (token.kind === 'placeholder') return fromPlaceholder(token.name, scope);
  if (token.kind !== 'word' && token.kind !== 'quoted') return undefined;
  const physical = PHYSICAL.exec(token.name);
  if (physical === null) return undefined;
  const own = physical[1] === scope.session.replaceAll('-', '') ? owned(physical[2] as string, scope) : undefined;
  if (own === undefined) throw tableMissing(token.name);
  return own;
}

function fromPlaceholder(name: string, scope: NameScope): LogicalName {
  if (name !== 'table') return owned(name, scope) ?? throwUnknown(name);
  if (scope.table === undefined) {
    throw new InvalidRequest('{table} stands for the table of the call, and this call names none: pass `table`, or write {<name>}', { field: 'table' });
  }
  return owned(scope.table, scope) ?? throwUnknown(scope.table);
}

function owned(name: string, scope: NameScope): LogicalName | undefined {
  return scope.tables.find((table) => table === name);
}

function throwUnknown(name: string): never {
  throw new UnknownTable(`The session has no table "${name}"`, { name });
}

/** In DuckDB's words, so that a table that is somebody else's and one that is nobody's look the same (I7). */
export function tableMissing(name: string): Error {
  return new QueryError(`Catalog Error: Table with name ${name} does not exist!`);
}
