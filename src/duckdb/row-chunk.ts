import type { DuckDBDataChunk } from '@duckdb/node-api';

/** Rows on their way into a table. */
export interface RowChunk {
  /** Overwritten by the next one: append it before asking on. */
  readonly chunk: DuckDBDataChunk;
  /** About what its values take. */
  readonly bytes: number;
}
