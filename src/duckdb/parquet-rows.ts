import type { DuckDBConnection } from '@duckdb/node-api';
import { ValueOutOfRange } from '../domain/errors.ts';
import type { ByteStream, ColumnView } from '../domain/gateway.ts';
import type { TableDescription } from '../ports/table-engine.ts';
import { matchColumns } from './arrow-to-duckdb.ts';
import { cleanParquet } from './parquet-cleaning.ts';
import { parquetType } from './parquet-types.ts';
import type { ParquetWork } from './rows-to-parquet.ts';
import { ScratchFile } from './scratch-file.ts';
import { qualified, quoted, readTypedColumns } from './table-catalog.ts';
import { sameTypeText } from './type-text.ts';

/** Columns whose values in a file may be finer than their own. */
const COARSE: Readonly<Record<string, string>> = { TIMESTAMP_S: 'second', TIMESTAMP_MS: 'millisecond' };

/**
 * Inserts a Parquet body within the transaction.
 * @returns how many rows
 * @throws InvalidRows, PayloadTooLarge (`limit`), SchemaMismatch, ValueOutOfRange, UnsupportedType; the caller rolls back
 */
export async function insertParquet(work: ParquetWork, table: TableDescription, body: ByteStream): Promise<number> {
  const { connection, scratch, transaction } = work;
  const file = await ScratchFile.in(scratch);
  let clean: ScratchFile | undefined;
  try {
    await file.write(body);
    clean = await cleanParquet(file, scratch, transaction);
    await file.remove();
    transaction.check();
    const rows = `read_parquet(${clean.sql})`;
    await match(connection, table, rows);
    await refuseFiner(connection, table.columns, rows);
    return (await connection.run(`INSERT INTO ${qualified(table.name)} FROM ${rows}`)).rowsChanged;
  } finally {
    await file.remove();
    await clean?.remove();
  }
}

/** A column may have its own type in the file, or the one that stands for it there. */
async function match(connection: DuckDBConnection, table: TableDescription, rows: string): Promise<void> {
  const typed = await readTypedColumns(connection, table.name);
  const described = await connection.run(`SELECT column_name, column_type FROM (DESCRIBE FROM ${rows})`);
  const given = (await described.getRows()) as [string, string][];
  const columns = given.map(([name, type], index): ColumnView => {
    const wanted = typed[index];
    const stands = wanted !== undefined && sameTypeText(parquetType(wanted.type, wanted.name), type);
    return { name, type: stands ? table.columns[index]!.type : type, nullable: true };
  });
  matchColumns(table.columns, { columns });
}

async function refuseFiner(connection: DuckDBConnection, columns: readonly ColumnView[], rows: string): Promise<void> {
  for (const { name, type } of columns) {
    const unit = COARSE[type];
    if (unit === undefined) continue;
    const finer = await connection.run(
      `SELECT ${quoted(name)} FROM ${rows} WHERE isfinite(${quoted(name)}) AND date_trunc('${unit}', ${quoted(name)}) <> ${quoted(name)} LIMIT 1`,
    );
    if ((await finer.getRows()).length > 0) throw new ValueOutOfRange(`The column "${name}" of type ${type} cannot hold finer times`, { field: name });
  }
}
