import type { EngineNames } from './sql-functions.ts';
import { foldCase } from './sql-tokens.ts';

type Tree = Readonly<Record<string, unknown>>;

/**
 * Whether a statement, as `json_serialize_sql` shows it, yields one row at most whatever the tables hold: by having no
 * FROM, or as an aggregate of everything. `unnest` makes rows of one value, and so do macros that hide it: functions of
 * any other kind make one value of many, or of one. A LIMIT does not count: a few rows of images are many bytes.
 */
export function yieldsOneRow(statement: unknown, { scalars, aggregates }: EngineNames): boolean {
  const node = partOf(statement, 'node');
  if (node['type'] !== 'SELECT_NODE' || node['aggregate_handling'] !== 'STANDARD_HANDLING') return false;
  if (node['group_expressions'] !== undefined || node['group_sets'] !== undefined) return false;
  const called = callsIn(node['select_list']);
  if (!called.every((name) => scalars.has(name) || aggregates.has(name))) return false;
  return partOf(node, 'from_table')['type'] === 'EMPTY' || called.some((name) => aggregates.has(name));
}

/** The functions called, but for those in subqueries and windows, which leave the number of rows as it is. */
function callsIn(selectList: unknown): string[] {
  const names: string[] = [];
  const waiting: unknown[] = [selectList];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (typeof next !== 'object' || next === null) continue;
    const { class: kind, function_name: name, subquery: _aside, ...inner } = next as Tree;
    if (typeof name === 'string' && kind !== 'WINDOW') names.push(foldCase(name));
    for (const child of Object.values(inner)) waiting.push(child);
  }
  return names;
}

function partOf(tree: unknown, key: string): Tree {
  const part = typeof tree === 'object' && tree !== null ? (tree as Tree)[key] : undefined;
  return typeof part === 'object' && part !== null ? (part as Tree) : {};
}
