import type { RowFormat } from '../domain/gateway.ts';
import type { DropReceipt, TableDescription } from '../ports/table-engine.ts';

/** What a worker answers, by call; an error travels as a `SerializedError` instead. */
export interface WorkerResults {
  readonly createTable: { readonly rows: number };
  /** Rows inserted, and rows now in the table. */
  readonly insert: { readonly rows: number; readonly total: number };
  /** The body follows as raw bytes under the same call id. */
  readonly query: { readonly format: RowFormat };
  readonly describeTable: TableDescription;
  readonly dropTable: { readonly rows: number };
  readonly seal: Record<string, never>;
  readonly drop: DropReceipt;
}
