import { DuckDBInstance } from '@duckdb/node-api';
import type { Json } from '@duckdb/node-api';
import type { LifecycleEntry } from '../../src/domain/gateway.ts';

type Row = Readonly<Record<string, Json>>;

/** What an exported file holds, put together again as the lifecycle stream gives it. */
export async function parquetEntries(file: string): Promise<readonly LifecycleEntry[]> {
  const rows = await query(`SELECT * REPLACE (strftime(occurred_at, '%Y-%m-%dT%H:%M:%S.%gZ') AS occurred_at) FROM ${literal(file)}`);
  return rows.map((row) => {
    const { offset, session_id, tenant_id, event, occurred_at, ephemeral_table_count, deleted_row_count, ...rest } = row;
    const details = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null));
    const counts = { ephemeral_table_count: Number(ephemeral_table_count), deleted_row_count: Number(deleted_row_count) };
    const record = { session_id, tenant_id, event, occurred_at, ...counts, ...(Object.keys(details).length === 0 ? {} : { details }) };
    return { offset: Number(offset), record } as unknown as LifecycleEntry;
  });
}

/** Names and DuckDB types of its columns, in order. */
export async function parquetColumns(file: string): Promise<Readonly<Record<string, string>>> {
  const rows = await query(`DESCRIBE FROM ${literal(file)}`);
  return Object.fromEntries(rows.map(({ column_name, column_type }) => [column_name as string, column_type as string]));
}

async function query(sql: string): Promise<readonly Row[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
