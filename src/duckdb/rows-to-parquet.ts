import { StatementType, type DuckDBConnection } from '@duckdb/node-api';
import { NotAcceptable } from '../domain/errors.ts';
import type { SlotQuery } from '../ports/table-engine.ts';
import { distinctNames } from './distinct-names.ts';
import { bindParameters } from './parameters.ts';
import { parquetType } from './parquet-types.ts';
import { columnsOf } from './result-columns.ts';
import { ScratchFile, type ScratchFolder } from './scratch-file.ts';
import type { Verdict } from './sql-policy.ts';
import { quoted } from './table-catalog.ts';
import type { Transaction } from './transaction.ts';
import type { TypedColumn } from './type-map.ts';

/** A writer holds so many rows: enough to compress well, few enough for sessions with little memory. */
const GROUP_ROWS = 30_720;

export interface ParquetWork {
  readonly connection: DuckDBConnection;
  readonly transaction: Transaction;
  readonly scratch: ScratchFolder;
}

/**
 * The statement's rows as a Parquet file, whole before its first byte is given out (I8).
 * @throws NotAcceptable before anything runs, for what cannot be read like a table; UnsupportedType (`field`)
 */
export async function writeParquetRows(
  { connection, transaction, scratch }: ParquetWork,
  verdict: Verdict,
  parameters: SlotQuery['parameters'],
): Promise<AsyncGenerator<Uint8Array, void, void>> {
  if (verdict.kind !== 'rows') throw notLikeATable();
  const file = await ScratchFile.in(scratch);
  try {
    await transaction.begin();
    const columns = await columnsToBe(connection, verdict.sql, parameters);
    const statement = await connection.prepare(`COPY (${selected(columns, verdict.sql)}) TO ${file.sql} (FORMAT parquet, ROW_GROUP_SIZE ${GROUP_ROWS})`);
    try {
      bindParameters(statement, parameters);
      await file.bounded(statement.run(), (reason) => transaction.interrupt(reason));
    } finally {
      statement.destroySync();
    }
    await transaction.commit();
    return file.read();
  } catch (error) {
    await transaction.rollback();
    await file.remove();
    throw error;
  }
}

/** What the rows will be, parameters and all; nothing is run for it. */
async function columnsToBe(connection: DuckDBConnection, sql: string, parameters: SlotQuery['parameters']): Promise<TypedColumn[]> {
  const asked = await connection.prepare(sql);
  const { statementType } = asked;
  asked.destroySync();
  if (statementType === StatementType.EXPLAIN) throw notLikeATable();
  const none = await connection.prepare(`FROM (${sql}\n) LIMIT 0`);
  try {
    bindParameters(none, parameters);
    return columnsOf(await none.run());
  } finally {
    none.destroySync();
  }
}

/** The rows under names that differ, in types that a file can hold. */
function selected(columns: readonly TypedColumn[], sql: string): string {
  const names = distinctNames(columns.map(({ name }) => name));
  const items = columns.map(({ type, name }, index) => {
    const held = parquetType(type, name);
    return `${held === String(type) ? `c${index}` : `CAST(c${index} AS ${held})`} AS ${quoted(names[index]!)}`;
  });
  return `SELECT ${items.join(', ')} FROM (${sql}\n) AS answered(${columns.map((_column, index) => `c${index}`).join(', ')})`;
}

function notLikeATable(): Error {
  return new NotAcceptable('EXPLAIN, and statements that change rows and return some, do not answer as Parquet', { supported: ['application/json'] });
}
