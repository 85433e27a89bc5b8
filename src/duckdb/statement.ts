import type { DuckDBConnection, DuckDBDataChunk, DuckDBMaterializedResult, DuckDBPreparedStatement, DuckDBResult } from '@duckdb/node-api';
import { QueryError } from '../domain/errors.ts';
import type { LogicalName } from '../domain/table-name.ts';
import type { TableCount } from '../ports/lease-store.ts';
import type { SlotQuery } from '../ports/table-engine.ts';
import type { ChunkBudget } from './chunk-budget.ts';
import { bindParameters } from './parameters.ts';
import { columnsOf } from './result-columns.ts';
import type { RowEncoder } from './row-formats.ts';
import type { Verdict } from './sql-policy.ts';
import { countRows, type TableCatalog } from './table-catalog.ts';
import type { Transaction } from './transaction.ts';

export interface StatementWork {
  readonly connection: DuckDBConnection;
  readonly transaction: Transaction;
  readonly tables: TableCatalog;
  readonly note: (count: TableCount) => Promise<void>;
}

type Parameters = SlotQuery['parameters'];

/** DML without RETURNING. @returns rows changed */
export async function changeRows(work: StatementWork, verdict: Verdict, parameters: Parameters): Promise<number> {
  try {
    await work.transaction.begin();
    const changed = await withStatement(work.connection, verdict.sql, parameters, async (statement) => (await statement.run()).rowsChanged);
    await commitChanges(work, verdict.target);
    return changed;
  } catch (error) {
    await work.transaction.rollback();
    throw work.transaction.explain(error);
  }
}

/** One row at most, encoded: one step, which DuckDB commits by itself and whose failure it tells. */
export async function* oneRow(work: StatementWork, { sql }: Verdict, parameters: Parameters, encode: RowEncoder): AsyncGenerator<Uint8Array, void, void> {
  const { connection, transaction } = work;
  try {
    transaction.check();
    const result = parameters === undefined ? await connection.run(sql) : await withStatement(connection, sql, parameters, (statement) => statement.run());
    await transaction.commit();
    yield* encode(columnsOf(result), chunksIn(result));
  } catch (error) {
    await transaction.rollback();
    throw transaction.explain(error);
  }
}

async function* chunksIn(result: DuckDBMaterializedResult): AsyncGenerator<DuckDBDataChunk, void, void> {
  for (let index = 0; index < result.chunkCount; index++) yield result.getChunk(index);
}

/**
 * Rows as they come, encoded. The end of a stream of chunks says nothing, since one that failed just ends: the
 * transaction is probed and committed before the encoder may write its last bytes (I8).
 */
export async function* streamRows(
  work: StatementWork,
  verdict: Verdict,
  parameters: Parameters,
  encode: RowEncoder,
  budget: ChunkBudget,
): AsyncGenerator<Uint8Array, void, void> {
  const { connection, transaction } = work;
  let committed = false;
  let statement: DuckDBPreparedStatement | undefined;
  try {
    await transaction.begin();
    statement = await connection.prepare(verdict.sql);
    bindParameters(statement, parameters);
    const result = await statement.stream();
    const whole = async (): Promise<void> => {
      await commitChanges(work, verdict.target);
      committed = true;
    };
    let encodedBytes = 0;
    for await (const piece of encode(
      columnsOf(result),
      chunksOf(result, transaction, budget, () => encodedBytes, whole),
    )) {
      encodedBytes += piece.byteLength;
      yield piece;
    }
  } catch (error) {
    if (!committed) await transaction.rollback();
    committed = true;
    throw await reasonOf(work, verdict, parameters, error);
  } finally {
    // The reader left: nothing of it is kept.
    if (!committed) {
      connection.interrupt();
      await transaction.rollback();
    }
    statement?.destroySync();
  }
}

async function* chunksOf(
  result: DuckDBResult,
  transaction: Transaction,
  budget: ChunkBudget,
  encodedBytes: () => number,
  whole: () => Promise<void>,
): AsyncGenerator<DuckDBDataChunk, void, void> {
  let seenBytes = 0;
  for (;;) {
    transaction.check();
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    const vectorBytes = chunk.rowCount * 16 * chunk.columnCount;
    yield chunk;
    await budget.spend(Math.max(vectorBytes, encodedBytes() - seenBytes));
    seenBytes = encodedBytes();
  }
  await whole();
}

/** Counts are noted before a commit that lowers them and after one that raises them (I6). */
async function commitChanges({ connection, transaction, tables, note }: StatementWork, target: LogicalName | undefined): Promise<void> {
  if (target === undefined) return transaction.commit();
  const before = tables.get(target).rows;
  await transaction.probe();
  const rows = await countRows(connection, target);
  if (rows < before) await note({ name: target, rows });
  try {
    await transaction.commit();
  } catch (error) {
    if (rows < before) await note({ name: target, rows: before });
    throw error;
  }
  tables.setRows(target, rows);
  if (rows > before) await note({ name: target, rows });
}

const ABORTED = /transaction (?:context )?(?:is )?(?:has been )?(?:aborted|invalidated)|current transaction is aborted/i;

/** A stream that failed has lost its message: the statement runs once more, its rows thrown away and nothing kept. */
async function reasonOf(work: StatementWork, verdict: Verdict, parameters: Parameters, error: unknown): Promise<Error> {
  if (work.transaction.interrupted || !ABORTED.test(String(error))) return work.transaction.explain(error);
  try {
    await work.transaction.begin();
    await withStatement(work.connection, `EXPLAIN ANALYZE ${verdict.sql}`, parameters, (statement) => statement.run());
    return new QueryError('The statement failed while it made its rows', {}, { cause: error });
  } catch (reason) {
    return work.transaction.explain(reason);
  } finally {
    await work.transaction.rollback();
  }
}

async function withStatement<T>(
  connection: DuckDBConnection,
  sql: string,
  parameters: Parameters,
  run: (statement: DuckDBPreparedStatement) => Promise<T>,
): Promise<T> {
  const statement = await connection.prepare(sql);
  try {
    bindParameters(statement, parameters);
    return await run(statement);
  } finally {
    statement.destroySync();
  }
}
