import { DuckDBDataChunk, type DuckDBValue } from '@duckdb/node-api';
import { YOUNG_ROWS_MAX } from './chunk-budget.ts';
import type { RowChunk } from './row-chunk.ts';
import type { TypedColumn } from './type-map.ts';

/** Text that rows are gathered from before they go on: what they take besides is a small multiple of it. */
const CHUNK_TARGET_BYTES = 1_048_576;

/** Gathers rows into chunks. */
export class RowGatherer {
  readonly #chunk: DuckDBDataChunk;
  #rows: DuckDBValue[][] = [];
  #bytes = 0;

  constructor(columns: readonly TypedColumn[]) {
    this.#chunk = DuckDBDataChunk.create(columns.map(({ type }) => type));
  }

  get isEmpty(): boolean {
    return this.#rows.length === 0;
  }

  /** Then it has to be taken before the next row. */
  get isFull(): boolean {
    return this.#rows.length >= YOUNG_ROWS_MAX || this.#bytes >= CHUNK_TARGET_BYTES;
  }

  /** @param bytes about what the values take */
  add(values: DuckDBValue[], bytes: number): void {
    this.#rows.push(values);
    this.#bytes += bytes;
  }

  take(): RowChunk {
    this.#chunk.reset();
    this.#chunk.setRows(this.#rows);
    const taken = { chunk: this.#chunk, bytes: this.#bytes };
    this.#rows = [];
    this.#bytes = 0;
    return taken;
  }
}
