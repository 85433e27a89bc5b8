import { QueryError } from '../domain/errors.ts';
import { functionNotAllowed, isRefusedFunction, isRefusedTableFunction, statementNotAllowed, SYSTEM_SCHEMAS, type EngineNames } from './sql-functions.ts';
import { tableMissing } from './sql-names.ts';
import { foldCase } from './sql-tokens.ts';

type Tree = Readonly<Record<string, unknown>>;

/** A name that no replacement scan takes for a file, a URL or a pattern. */
const PLAIN_NAME = /^[^./\\:*?[\]{}]*$/;
const PHYSICAL_PREFIX = '__eph_';

/**
 * Judges what `json_serialize_sql` shows of a SELECT: every function, every relation, every SHOW.
 * Walks all keys without recursion, so that nothing is missed that a later DuckDB nests elsewhere.
 * @throws StatementNotAllowed, QueryError
 */
export function judgeTree(tree: unknown, tables: ReadonlySet<string>, engine: EngineNames): void {
  const nodes = allNodes(tree);
  const ctes = cteNames(nodes);
  for (const node of nodes) {
    judgeCalls(node, engine);
    if (node['type'] === 'BASE_TABLE') judgeRelation(node, tables, ctes, engine);
    if (node['type'] === 'SHOW_REF') judgeShow(node);
  }
}

/** Every function name a tree shows, for the test that holds the token scan against it. */
export function functionsOf(tree: unknown): string[] {
  return allNodes(tree).flatMap((node) => (typeof node['function_name'] === 'string' ? [foldCase(node['function_name'])] : []));
}

function allNodes(tree: unknown): Tree[] {
  const nodes: Tree[] = [];
  const waiting: unknown[] = [tree];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (typeof next !== 'object' || next === null) continue;
    if (!Array.isArray(next)) nodes.push(next as Tree);
    for (const child of Object.values(next)) waiting.push(child);
  }
  return nodes;
}

/** Scopes are not followed: a name used outside its scope is a plain unknown table to the binder. */
function cteNames(nodes: readonly Tree[]): Set<string> {
  const names = new Set<string>();
  for (const node of nodes) {
    const { key, value, cte_name: recursive } = node;
    if (typeof key === 'string' && typeof value === 'object') names.add(foldCase(key));
    if (typeof recursive === 'string') names.add(foldCase(recursive));
  }
  return names;
}

function judgeCalls(node: Tree, engine: EngineNames): void {
  const name = node['function_name'];
  if (typeof name === 'string' && isRefusedFunction(name, engine)) throw functionNotAllowed(name);
  if (node['type'] !== 'TABLE_FUNCTION') return;
  const called = (node['function'] as Tree | undefined)?.['function_name'];
  // `FROM ifnull(1, 2)` parses to an operator, at which DuckDB's binder fails internally, with a stack trace.
  if (typeof called !== 'string') throw new QueryError('Binder Error: what stands in FROM is no table function');
  if (isRefusedTableFunction(called, engine)) throw functionNotAllowed(called);
}

function judgeRelation(node: Tree, tables: ReadonlySet<string>, ctes: ReadonlySet<string>, engine: EngineNames): void {
  const part = (key: string) => foldCase(typeof node[key] === 'string' ? node[key] : '');
  const name = part('table_name');
  const schema = part('schema_name');
  const catalog = part('catalog_name');
  if (name.startsWith(PHYSICAL_PREFIX) && !ctes.has(name)) throw tableMissing(name);
  if (schema !== '' || catalog !== '') {
    if (SYSTEM_SCHEMAS.has(schema) || SYSTEM_SCHEMAS.has(catalog)) throw statementNotAllowed(`${schema}.${name}`, 'System views cannot be read');
    const own = (catalog === '' || catalog === 'mutable') && schema === 'public' && tables.has(name);
    if (!own) throw tableMissing([catalog, schema, name].filter((text) => text !== '').join('.'));
    return;
  }
  if (tables.has(name)) return;
  if (engine.systemViews.has(name)) throw statementNotAllowed(name, 'System views cannot be read');
  if (!PLAIN_NAME.test(name)) throw statementNotAllowed(`FROM '${name}'`, 'Files cannot be read: insert their rows into a table first');
}

function judgeShow(node: Tree): void {
  if (node['query'] !== undefined) return;
  if (node['show_type'] === 'SHOW_UNQUALIFIED' && node['table_name'] === '"tables"') return;
  throw statementNotAllowed('SHOW', 'Of its forms, SHOW TABLES is allowed');
}
