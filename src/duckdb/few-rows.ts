import type { EngineNames } from './sql-functions.ts';
import { foldCase } from './sql-tokens.ts';

type Tree = Readonly<Record<string, unknown>>;

/** So many rows are gathered at most instead of being streamed. */
const FEW_ROWS_MAX = 100;

/**
 * Whether a statement, as `json_serialize_sql` shows it, yields a few rows whatever the tables hold: by its LIMIT, by
 * having no FROM, or as an aggregate of everything. One of which that cannot be told may yield any number.
 */
export function yieldsFewRows(statement: unknown, engine: EngineNames): boolean {
  const node = partOf(statement, 'node');
  if (node['type'] !== 'SELECT_NODE') return false;
  const modifiers = node['modifiers'];
  return (Array.isArray(modifiers) && modifiers.some(isSmallLimit)) || yieldsOneRow(node, engine);
}

function isSmallLimit(modifier: unknown): boolean {
  const { value } = partOf(partOf(modifier, 'limit'), 'value');
  return (modifier as Tree)['type'] === 'LIMIT_MODIFIER' && typeof value === 'number' && value <= FEW_ROWS_MAX;
}

/** `unnest` makes rows of one value, and so do macros that hide it: functions of any other kind make one of many, or of one. */
function yieldsOneRow(node: Tree, { scalars, aggregates }: EngineNames): boolean {
  if (node['group_expressions'] !== undefined || node['group_sets'] !== undefined || node['aggregate_handling'] !== 'STANDARD_HANDLING') return false;
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
