import type { DuckDBConnection } from '@duckdb/node-api';
import { DuplicateTable, InvalidRequest, UnknownTable, UnsupportedType } from '../domain/errors.ts';
import type { ColumnView } from '../domain/gateway.ts';
import type { LogicalName } from '../domain/table-name.ts';
import type { TableCount } from '../ports/lease-store.ts';
import type { TableDescription } from '../ports/table-engine.ts';
import { columnsOf } from './result-columns.ts';
import type { TypedColumn } from './type-map.ts';

/** A table as DuckDB knows it: sessions may not run DDL, so names need no other quoting than this. */
export function qualified(name: LogicalName): string {
  return `mutable.public."${name}"`;
}

export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** What the session's tables are and hold, as last committed. */
export class TableCatalog {
  readonly #tables = new Map<LogicalName, TableDescription>();

  get names(): LogicalName[] {
    return [...this.#tables.keys()];
  }

  get counts(): TableCount[] {
    return [...this.#tables.values()].map(({ name, rows }) => ({ name, rows }));
  }

  /** @throws UnknownTable */
  get(name: LogicalName): TableDescription {
    const table = this.#tables.get(name);
    if (table === undefined) throw new UnknownTable(`The session has no table "${name}"`, { name });
    return table;
  }

  /** @throws DuplicateTable */
  refuse(name: LogicalName): void {
    if (this.#tables.has(name)) throw new DuplicateTable(`The session already has a table "${name}"; drop it first or take another name`, { name });
  }

  put(table: TableDescription): void {
    this.#tables.set(table.name, table);
  }

  setRows(name: LogicalName, rows: number): void {
    this.#tables.set(name, { ...this.get(name), rows });
  }

  remove(name: LogicalName): void {
    this.#tables.delete(name);
  }
}

/** @throws InvalidRequest without columns; UnsupportedType (`field`) for one without a name, and for two of one name */
export function checkColumns(columns: readonly { readonly name: string }[]): void {
  if (columns.length === 0) throw new InvalidRequest('A table has at least one column', { field: 'columns' });
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (name === '' || name.includes('\0')) throw new UnsupportedType('Every column has a name, without null characters', { field: name });
    if (seen.has(name.toLowerCase())) throw new UnsupportedType(`Two columns are named "${name}" (case does not count)`, { field: name });
    seen.add(name.toLowerCase());
  }
}

/** @throws InvalidRequest when the key names a column twice, or one the table does not have */
export function checkPrimaryKey(columns: readonly { readonly name: string }[], primaryKey: readonly string[]): void {
  const unknown = primaryKey.find((key) => !columns.some(({ name }) => name === key));
  if (unknown !== undefined) throw new InvalidRequest(`The primary key names "${unknown}", which is no column of the table`, { field: 'primary_key' });
  if (new Set(primaryKey).size !== primaryKey.length) throw new InvalidRequest('The primary key names a column twice', { field: 'primary_key' });
}

export function primaryKeyClause(primaryKey: readonly string[]): string {
  return `PRIMARY KEY (${primaryKey.map(quoted).join(', ')})`;
}

export async function countRows(connection: DuckDBConnection, name: LogicalName): Promise<number> {
  const result = await connection.run(`SELECT count(*) FROM ${qualified(name)}`);
  return Number(result.getChunk(0).getRows()[0]?.[0]);
}

export async function readColumns(connection: DuckDBConnection, name: LogicalName): Promise<ColumnView[]> {
  const result = await connection.run(`SELECT name, type, "notnull" FROM pragma_table_info('mutable.public."${name}"') ORDER BY cid`);
  return ((await result.getRows()) as [string, string, boolean][]).map(([column, type, notNull]) => ({ name: column, type, nullable: !notNull }));
}

export async function readTypedColumns(connection: DuckDBConnection, name: LogicalName): Promise<TypedColumn[]> {
  const result = await connection.run(`SELECT * FROM ${qualified(name)} LIMIT 0`);
  return columnsOf(result);
}
