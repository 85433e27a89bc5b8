import { DuckDBInstance } from '@duckdb/node-api';

/** Bounds the instance alone; a row group of records needs a fraction of it. */
const MEMORY_LIMIT = '256MB';

export interface ParquetSource {
  /** A file with one JSON object a line. */
  readonly from: string;
  /** The Parquet file to write. */
  readonly to: string;
  /** Fields of a line, with their DuckDB types; other fields are left out, missing ones are NULL. */
  readonly line: Readonly<Record<string, string>>;
  /** Names of the file's columns, with the expressions over a line's fields that fill them. */
  readonly columns: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * Turns lines of JSON into a Parquet file, row by row in their order, in an instance of its own with bounded memory and
 * no spill folder. Rejects for a line that does not hold what it should.
 */
export async function writeParquet({ from, to, line, columns, signal }: ParquetSource): Promise<void> {
  signal.throwIfAborted();
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: MEMORY_LIMIT, threads: '1', temp_directory: '' });
  const connection = await instance.connect();
  const interrupt = (): void => connection.interrupt();
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    await connection.run('SET autoinstall_known_extensions = false');
    const fields = Object.entries(line).map(([name, type]) => `${text(name)}: ${text(type)}`);
    const rows = `read_json(${text(from)}, format = 'newline_delimited', columns = {${fields.join(', ')}})`;
    const named = Object.entries(columns).map(([name, expression]) => `${expression} AS "${name}"`);
    await connection.run(`COPY (SELECT ${named.join(', ')} FROM ${rows}) TO ${text(to)} (FORMAT parquet, COMPRESSION zstd)`);
  } finally {
    signal.removeEventListener('abort', interrupt);
    connection.closeSync();
    instance.closeSync();
  }
}

/** A text as an SQL literal. */
function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
