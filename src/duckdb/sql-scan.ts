import { QueryError } from '../domain/errors.ts';
import type { LogicalName } from '../domain/table-name.ts';
import { functionNotAllowed, isRefusedFunction, isRefusedTableFunction, statementNotAllowed, SYSTEM_SCHEMAS, type EngineNames } from './sql-functions.ts';
import { tableMissing } from './sql-names.ts';
import type { Token, TokenList } from './sql-tokens.ts';

export interface DmlVerdict {
  readonly target: LogicalName;
  readonly returning: boolean;
}

const RELATION_KEYWORDS = new Set(['from', 'join', 'using', 'into', 'update', 'table']);
/** FROM is a part of their arguments: `extract(year FROM '2026-01-01')`. */
const FROM_INSIDE = new Set(['extract', 'trim', 'substring', 'overlay', 'position']);
/** Where a name before "(" may be a table function; commas and parentheses stand in both places. */
const BEFORE_TABLE_FUNCTION = new Set(['from', 'join', 'using', 'lateral', ',', '(']);

/**
 * Judges INSERT, UPDATE and DELETE, which DuckDB shows no tree of, by their tokens (already rewritten). It refuses on
 * suspicion: every known name before "(" counts as a call, and whatever could be read in two ways is turned down.
 * @throws StatementNotAllowed, QueryError
 */
export function judgeDml(list: TokenList, start: number, tables: ReadonlySet<string>, engine: EngineNames): DmlVerdict {
  if (list.odd !== undefined) {
    throw statementNotAllowed(list.odd, 'INSERT, UPDATE and DELETE are read strictly: write it as a plain literal, or pass it as a parameter');
  }
  const { tokens } = list;
  const target = readTarget(tokens, start, tables, engine);
  judgeNames(tokens, target.last, tables, engine);
  judgeSources(tokens);
  return { target: target.name, returning: hasReturning(tokens, start) };
}

/** Index of the INSERT, UPDATE or DELETE a statement that begins with WITH leads to, or undefined. */
export function dmlAfterWith(tokens: readonly Token[]): number | undefined {
  const found = wordsOutside(tokens, 0).find((index) => ['insert', 'update', 'delete'].includes((tokens[index] as Token).name));
  return found;
}

function readTarget(tokens: readonly Token[], start: number, tables: ReadonlySet<string>, engine: EngineNames): { name: LogicalName; last: number } {
  const verb = (tokens[start] as Token).name;
  let at = start + 1;
  if (verb === 'insert' && isWord(tokens[at], 'or')) at += 2;
  if (verb === 'insert' || verb === 'delete') at += isWord(tokens[at], verb === 'insert' ? 'into' : 'from') ? 1 : 0;
  const path = [nameAt(tokens, at)];
  while (isSymbol(tokens[at + 1], '.')) {
    at += 2;
    path.push(nameAt(tokens, at));
  }
  const name = path.at(-1) as string;
  const qualifiers = path.slice(0, -1).join('.');
  if (SYSTEM_SCHEMAS.has(path[0] as string) && path.length > 1) throw statementNotAllowed(path.join('.'), 'System views cannot be changed');
  if (!['', 'public', 'mutable.public'].includes(qualifiers)) throw tableMissing(path.join('.'));
  if (!tables.has(name)) throw engine.systemViews.has(name) ? statementNotAllowed(name, 'System views cannot be changed') : tableMissing(name);
  return { name: name as LogicalName, last: at };
}

function nameAt(tokens: readonly Token[], at: number): string {
  const token = tokens[at];
  if (token === undefined || (token.kind !== 'word' && token.kind !== 'quoted')) {
    throw new QueryError('Parser Error: the statement names no table to change');
  }
  return token.name;
}

/** `target` is the index of the target's name: a "(" after it opens a list of columns. */
function judgeNames(tokens: readonly Token[], target: number, tables: ReadonlySet<string>, engine: EngineNames): void {
  tokens.forEach((token, index) => {
    if (index === target || (token.kind !== 'word' && token.kind !== 'quoted')) return;
    const { name } = token;
    const before = tokens[index - 1];
    const after = tokens[index + 1];
    if (isSymbol(after, '(')) {
      const refused = BEFORE_TABLE_FUNCTION.has(before?.name ?? '') ? isRefusedTableFunction(name, engine) : isRefusedFunction(name, engine);
      if (refused) throw functionNotAllowed(name);
      return;
    }
    if (isSymbol(after, '.') && (name === 'information_schema' || name === 'pg_catalog')) throw statementNotAllowed(name, 'System views cannot be read');
    if (engine.systemViews.has(name) && !tables.has(name)) throw statementNotAllowed(name, 'System views cannot be read');
  });
}

/** Files named in FROM, and SHOW or DESCRIBE as a subquery. */
function judgeSources(tokens: readonly Token[]): void {
  const openers: string[] = [];
  tokens.forEach((token, index) => {
    const before = tokens[index - 1];
    if (isSymbol(token, '(')) openers.push(before?.kind === 'word' ? before.name : '');
    if (isSymbol(token, ')')) openers.pop();
    const named = token.kind === 'string' || (token.kind === 'quoted' && /[./\\:*?]/.test(token.name));
    if (named && before?.kind === 'word' && RELATION_KEYWORDS.has(before.name) && !(before.name === 'from' && FROM_INSIDE.has(openers.at(-1) ?? ''))) {
      throw statementNotAllowed('FROM a file', 'Files cannot be read: insert their rows into a table first');
    }
    if (token.kind === 'word' && token.name === 'show' && isSymbol(before, '(') && !isWord(tokens[index + 1], 'tables')) {
      throw statementNotAllowed('SHOW', 'Of its forms, SHOW TABLES is allowed');
    }
  });
}

function hasReturning(tokens: readonly Token[], start: number): boolean {
  return wordsOutside(tokens, start).some((index) => (tokens[index] as Token).name === 'returning');
}

/** Indexes of unquoted words outside all parentheses. */
function wordsOutside(tokens: readonly Token[], start: number): number[] {
  let depth = 0;
  const found: number[] = [];
  for (let index = start; index < tokens.length; index += 1) {
    const token = tokens[index] as Token;
    if (token.kind === 'symbol' && '([{'.includes(token.name)) depth += 1;
    else if (token.kind === 'symbol' && ')]}'.includes(token.name)) depth -= 1;
    else if (token.kind === 'word' && depth === 0) found.push(index);
  }
  return found;
}

function isWord(token: Token | undefined, name: string): boolean {
  return token?.kind === 'word' && token.name === name;
}

export function isSymbol(token: Token | undefined, name: string): boolean {
  return token?.kind === 'symbol' && token.name === name;
}
