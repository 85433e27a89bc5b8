import { StatementNotAllowed } from '../domain/errors.ts';
import { ALLOWED_FUNCTIONS, ALLOWED_TABLE_FUNCTIONS } from './function-allowlist.ts';
import { REFUSED_FUNCTIONS } from './function-allowlist-refused.ts';
import { foldCase } from './sql-tokens.ts';

/** What the running DuckDB brings: judged at the names it really has, so that an upgrade's new functions are refused. */
export interface EngineNames {
  /** Every function of any kind, in lower case. */
  readonly functions: ReadonlySet<string>;
  /** Those that are scalar functions in all their forms. */
  readonly scalars: ReadonlySet<string>;
  /** Those that are aggregates in all their forms. */
  readonly aggregates: ReadonlySet<string>;
  /** Those that may stand in FROM. */
  readonly tableFunctions: ReadonlySet<string>;
  /** Views that resolve without a schema, in lower case. */
  readonly systemViews: ReadonlySet<string>;
}

export const SYSTEM_SCHEMAS: ReadonlySet<string> = new Set(['information_schema', 'pg_catalog', 'main', 'system', 'temp', 'memory']);

/** Whether calling `name` in an expression may be refused; a name nobody knows is left to the binder's own message. */
export function isRefusedFunction(name: string, engine: EngineNames): boolean {
  const folded = foldCase(name);
  return !ALLOWED_FUNCTIONS.has(folded) && (engine.functions.has(folded) || REFUSED_FUNCTIONS.has(folded));
}

/** The same for a name in FROM: `histogram` is an aggregate, but as a table function it reads any relation by name. */
export function isRefusedTableFunction(name: string, engine: EngineNames): boolean {
  const folded = foldCase(name);
  return isRefusedFunction(folded, engine) || (engine.tableFunctions.has(folded) && !ALLOWED_TABLE_FUNCTIONS.has(folded));
}

export function functionNotAllowed(name: string): Error {
  return new StatementNotAllowed(
    `The function "${name}" is not allowed in a session: it reads or changes something other than its arguments. Functions that compute are allowed`,
    { function: name },
  );
}

export function statementNotAllowed(
  statement: string,
  instead = 'Allowed are SELECT, INSERT, UPDATE, DELETE, EXPLAIN, DESCRIBE, SUMMARIZE and SHOW TABLES',
): Error {
  return new StatementNotAllowed(`${statement} is not allowed in a session. ${instead}`, { statement });
}
