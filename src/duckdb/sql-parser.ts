import { DuckDBInstance, type DuckDBConnection, type DuckDBPreparedStatement } from '@duckdb/node-api';
import { QueryError } from '../domain/errors.ts';
import type { EngineNames } from './sql-functions.ts';
import { foldCase } from './sql-tokens.ts';

/** What DuckDB's parser says of a text; nothing is bound or run. */
export type Parsed =
  | { readonly kind: 'select'; readonly statements: readonly unknown[] }
  /** It parses, and is no SELECT. */
  | { readonly kind: 'other' };

interface Serialized {
  readonly error: boolean;
  readonly error_type?: string;
  readonly error_message?: string;
  readonly statements?: readonly unknown[];
}

const NOT_SELECT = 'Only SELECT statements can be serialized';

/** DuckDB's own parser, in a locked instance that holds nothing. One call at a time: a new query interrupts the old. */
export class SqlParser {
  readonly engine: EngineNames;
  private readonly instance: DuckDBInstance;
  private readonly connection: DuckDBConnection;
  private readonly serialize: DuckDBPreparedStatement;
  private last: Promise<unknown> = Promise.resolve();

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, serialize: DuckDBPreparedStatement, engine: EngineNames) {
    this.instance = instance;
    this.connection = connection;
    this.serialize = serialize;
    this.engine = engine;
  }

  static async create(): Promise<SqlParser> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1', autoload_known_extensions: 'false', autoinstall_known_extensions: 'false' });
    const connection = await instance.connect();
    const engine = await readEngineNames(connection);
    await connection.run('SET enable_external_access = false');
    await connection.run('SET lock_configuration = true');
    const serialize = await connection.prepare('SELECT json_serialize_sql($1::VARCHAR, skip_default := true, skip_empty := true, skip_null := true)');
    return new SqlParser(instance, connection, serialize, engine);
  }

  /** @throws QueryError with DuckDB's message when the text does not parse */
  async parse(sql: string): Promise<Parsed> {
    const answer = await this.alone(async () => {
      this.serialize.bindVarchar(1, sql);
      const rows = (await this.serialize.runAndReadAll()).getRows();
      return JSON.parse(withoutInfinities(String(rows[0]?.[0]))) as Serialized;
    });
    if (!answer.error) return { kind: 'select', statements: answer.statements ?? [] };
    const message = answer.error_message ?? '';
    if (!message.includes(NOT_SELECT)) throw new QueryError(`${answer.error_type === 'parser' ? 'Parser' : 'Not implemented'} Error: ${message}`);
    return { kind: 'other' };
  }

  /**
   * How many statements DuckDB makes of the text: PIVOT without IN makes two.
   * @throws QueryError with DuckDB's message when the text does not parse
   */
  async countStatements(sql: string): Promise<number> {
    try {
      return await this.alone(async () => (await this.connection.extractStatements(sql)).count);
    } catch (error) {
      throw new QueryError((error as Error).message.replace(/^Failed to extract statements: /, ''), {}, { cause: error });
    }
  }

  /** The canonical text of a type; `cast` is known to be `NULL::<type>` and nothing else. */
  async typeOf(cast: string): Promise<string> {
    const rows = await this.alone(async () => (await this.connection.runAndReadAll(`SELECT typeof(${cast}\n)`)).getRows());
    return String(rows[0]?.[0]);
  }

  async close(): Promise<void> {
    await this.alone(() => {
      this.serialize.destroySync();
      this.connection.closeSync();
      this.instance.closeSync();
      return Promise.resolve();
    });
  }

  private alone<T>(run: () => Promise<T>): Promise<T> {
    const result = this.last.then(run);
    this.last = result.catch(() => undefined);
    return result;
  }
}

/** DuckDB writes the literal 1e999 as a bare Infinity, which JSON does not have. */
function withoutInfinities(json: string): string {
  return json.replace(/"value":-?(?:Infinity|inf|nan|NaN)\b/gi, '"value":null');
}

const FUNCTIONS = 'SELECT function_name, list(DISTINCT function_type)::VARCHAR FROM duckdb_functions() GROUP BY ALL';
const SYSTEM_VIEWS = "SELECT DISTINCT view_name FROM duckdb_views() WHERE schema_name IN ('main', 'pg_catalog')";

async function readEngineNames(connection: DuckDBConnection): Promise<EngineNames> {
  const functions = await readRows(connection, FUNCTIONS);
  const named = (isOne: (types: string) => boolean): ReadonlySet<string> => new Set(functions.filter(([, types = '']) => isOne(types)).map(nameOf));
  return {
    functions: named(() => true),
    scalars: named((types) => types === '[scalar]'),
    aggregates: named((types) => types === '[aggregate]'),
    tableFunctions: named((types) => types.includes('table')),
    systemViews: new Set((await readRows(connection, SYSTEM_VIEWS)).map(nameOf)),
  };
}

async function readRows(connection: DuckDBConnection, query: string): Promise<string[][]> {
  return (await connection.runAndReadAll(query)).getRows().map((row) => row.map(String));
}

const nameOf = ([name = '']: readonly string[]): string => foldCase(name);
