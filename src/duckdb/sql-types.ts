import { InvalidRequest, QueryError, UnsupportedType } from '../domain/errors.ts';
import { functionsOf } from './sql-tree.ts';
import type { SqlParser } from './sql-parser.ts';
import { isSymbol } from './sql-scan.ts';
import { readTokens } from './sql-tokens.ts';

const TYPE_MAX_BYTES = 16 * 1024;
const TYPE_DEPTH_MAX = 64;
const LONE_SURROGATE = /\p{Surrogate}/u;
/** All a SELECT of one cast has; whatever else the text smuggles in adds a key or another class. */
const BARE_NODE = new Set(['type', 'select_list', 'from_table', 'aggregate_handling']);
const BARE_CAST = new Set(['class', 'type', 'query_location', 'child', 'cast_type']);
/** Types of expressions that no column can have. */
const NO_COLUMN = /^(?:"?NULL"?|ANY|INVALID|UNKNOWN|LAMBDA|TYPE|AGGREGATE_STATE.*)$/;

/**
 * The canonical DuckDB type of a text from outside. `INTEGER); create table evil(i int` and `INTEGER CHECK (…)` are
 * texts too: only what parses as exactly one cast of NULL passes.
 * @throws InvalidRequest (`field`) for anything else than a type; UnsupportedType for one DuckDB does not know
 */
export async function canonicalType(parser: SqlParser, type: string, field: string): Promise<string> {
  const cast = `NULL::${type}`;
  if (!isOneText(type) || !(await isBareCast(parser, cast))) {
    throw new InvalidRequest(`"${type.slice(0, 80)}" is not a DuckDB type: give one type and nothing else, e.g. "DECIMAL(18,3)"`, { field });
  }
  const canonical = await parser.typeOf(cast).catch((error: unknown) => {
    throw new UnsupportedType(`"${type}" is not a type DuckDB knows`, { field }, { cause: error });
  });
  if (NO_COLUMN.test(canonical)) throw new UnsupportedType(`A column cannot have the type ${canonical}`, { field });
  return canonical;
}

function isOneText(type: unknown): type is string {
  if (typeof type !== 'string' || type.trim() === '' || Buffer.byteLength(type) > TYPE_MAX_BYTES || type.includes('\0') || LONE_SURROGATE.test(type))
    return false;
  try {
    const { depth, tokens } = readTokens(type);
    return depth <= TYPE_DEPTH_MAX && !tokens.some((token) => isSymbol(token, ';'));
  } catch {
    return false;
  }
}

async function isBareCast(parser: SqlParser, cast: string): Promise<boolean> {
  const parsed = await parser.parse(`SELECT ${cast}`).catch((error: unknown) => {
    if (error instanceof QueryError) return undefined;
    throw error;
  });
  if (parsed?.kind !== 'select' || parsed.statements.length !== 1) return false;
  const node = (parsed.statements[0] as { node: Record<string, unknown> }).node;
  const list = node['select_list'];
  if (!onlyKeys(node, BARE_NODE) || !Array.isArray(list) || list.length !== 1 || functionsOf(node).length > 0) return false;
  const expression = list[0] as Record<string, unknown>;
  const child = expression['child'] as Record<string, unknown> | undefined;
  const value = child?.['value'] as Record<string, unknown> | undefined;
  const empty = (node['from_table'] as Record<string, unknown> | undefined)?.['type'] === 'EMPTY';
  return empty && expression['type'] === 'OPERATOR_CAST' && onlyKeys(expression, BARE_CAST) && child?.['class'] === 'CONSTANT' && value?.['is_null'] === true;
}

function onlyKeys(node: Record<string, unknown>, keys: ReadonlySet<string>): boolean {
  return Object.keys(node).every((key) => keys.has(key));
}
