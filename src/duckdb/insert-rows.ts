import type { DuckDBAppender, DuckDBConnection } from '@duckdb/node-api';
import type { LogicalName } from '../domain/table-name.ts';
import type { TableDescription } from '../ports/table-engine.ts';
import { matchColumns, type ArrowInput } from './arrow-to-duckdb.ts';
import { ChunkBudget, WHOLE_BUDGET_BYTES } from './chunk-budget.ts';
import type { RowChunk } from './row-chunk.ts';
import type { Transaction } from './transaction.ts';

/**
 * What an appender gathers before it goes into the table, where the session's memory limit sees it. Each flush is a
 * statement of its own, parsed and bound, and 2 MB of it cost a narrow row an eighth and a wide one a quarter more.
 */
export const FLUSH_BYTES = 8 * 1_048_576;
/** Far below what an appender may write of its own accord: rows that go in by one flush need no transaction around it. */
const ONE_FLUSH_ROWS = 16_384;
const ONE_FLUSH_BYTES = 262_144;

/** @returns how many rows; @throws SchemaMismatch and all that reading the stream may throw; the caller rolls back */
export async function appendArrow(
  connection: DuckDBConnection,
  table: Pick<TableDescription, 'name' | 'columns'>,
  input: ArrowInput,
  transaction: Transaction,
): Promise<number> {
  try {
    matchColumns(table.columns, input);
  } catch (error) {
    await input.close();
    throw error;
  }
  return appendChunks(connection, table.name, input.chunks(), transaction, new ChunkBudget());
}

/** Text gathered from values, whose garbage grows old. @returns how many rows; @throws as `appendArrow` does */
export function appendText(connection: DuckDBConnection, name: LogicalName, chunks: AsyncIterable<RowChunk>, transaction: Transaction): Promise<number> {
  return appendChunks(connection, name, chunks, transaction, new ChunkBudget(WHOLE_BUDGET_BYTES));
}

/**
 * Begins the transaction once the rows are more than one flush, which DuckDB commits by itself: whole or not at all.
 * @returns how many rows; @throws all that reading rows may throw; the caller commits or rolls back
 */
async function appendChunks(
  connection: DuckDBConnection,
  name: LogicalName,
  chunks: AsyncIterable<RowChunk>,
  transaction: Transaction,
  budget: ChunkBudget,
): Promise<number> {
  const appender = await connection.createAppender(name, 'public', 'mutable');
  let rows = 0;
  let unflushedBytes = 0;
  try {
    for await (const { chunk, bytes } of chunks) {
      transaction.check();
      if (rows + chunk.rowCount > ONE_FLUSH_ROWS || unflushedBytes + bytes > ONE_FLUSH_BYTES) await transaction.beginOnce();
      appender.appendDataChunk(chunk);
      rows += chunk.rowCount;
      unflushedBytes += bytes;
      if (unflushedBytes >= FLUSH_BYTES) {
        appender.flushSync();
        unflushedBytes = 0;
      }
      await budget.spend(bytes);
    }
    transaction.check();
    appender.flushSync();
    appender.closeSync();
    return rows;
  } catch (error) {
    discard(appender);
    throw error;
  }
}

/** What is left in an appender would be written when it is collected, outside of any transaction. */
function discard(appender: DuckDBAppender): void {
  for (const step of [() => appender.clear(), () => appender.closeSync()]) {
    try {
      step();
    } catch {
      // It failed already, and its error is on its way to the caller.
    }
  }
}
