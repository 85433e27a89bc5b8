import type { RowFormat } from '../domain/gateway.ts';
import type { DropReceipt, TableDescription } from '../ports/table-engine.ts';

/** What a worker answers, by call; an error travels as a `SerializedError` instead. */
export interface WorkerResults {
  readonly open: Record<string, never>;
  readonly createTable: { readonly rows: number };
  readonly insert: { readonly rows: number };
  /** The body follows as raw bytes under the same call id. */
  readonly query: { readonly format: RowFormat };
  readonly describeTable: TableDescription;
  readonly dropTable: { readonly rows: number };
  readonly seal: Record<string, never>;
  readonly drop: DropReceipt;
}
