import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { isImpossible } from './impossible-values.ts';
import type { CleanerCall, CleanerAnswer } from './parquet-cleaning.ts';
import { quoted } from './table-catalog.ts';

/**
 * Copies one Parquet file of unknown origin, in a process of its own: DuckDB's reader can be crashed by a file, and no
 * session is to notice. Its worker is at the other end of standard input; when that is gone, so is this.
 */
async function clean({ from, to, directory, memoryLimitBytes }: CleanerCall): Promise<CleanerAnswer> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const steps = [
    'SET autoinstall_known_extensions = false',
    'SET autoload_known_extensions = false',
    `SET temp_directory = ${directory}`,
    'SET threads = 1',
    `SET memory_limit = '${memoryLimitBytes}B'`,
    'SET enable_external_access = false',
    'SET lock_configuration = true',
    `COPY (FROM read_parquet(${from})) TO ${to} (FORMAT parquet, COMPRESSION lz4_raw, ROW_GROUP_SIZE 30720)`,
  ];
  try {
    for (const step of steps) await connection.run(step);
    await check(connection, to);
    return {};
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

/** The reader takes values as they are, also those that no value of their type can be. */
async function check(connection: DuckDBConnection, file: string): Promise<void> {
  const empty = await connection.run(`FROM read_parquet(${file}) LIMIT 0`);
  const names = empty.columnNames();
  for (const [index, type] of empty.columnTypes().entries()) {
    const name = names[index]!;
    const condition = isImpossible(type, quoted(name));
    if (condition === undefined) continue;
    const found = await connection.run(`SELECT 1 FROM read_parquet(${file}) WHERE ${condition} LIMIT 1`);
    if (found.rowCount > 0) throw new RangeError(`its column "${name}" holds what is no ${String(type)}`);
  }
}

process.stdin.resume().on('close', () => process.kill(process.pid, 'SIGKILL'));
const answer = await clean(JSON.parse(process.argv[2] ?? '') as CleanerCall);
process.stdout.write(JSON.stringify(answer), () => process.kill(process.pid, 'SIGKILL'));
