import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { BatchParts } from '../../src/duckdb/arrow-batch-parts.ts';
import type { BatchEncoder } from '../../src/duckdb/arrow-result-columns.ts';
import type { TypedColumn } from '../../src/duckdb/type-map.ts';
import { columnBuilder, type ColumnBuilder } from './builders.ts';

/** Arrow out of DuckDB by the documented interface of its client: one JavaScript value after the other. */
export class ValueEncoder implements BatchEncoder {
  readonly #builders: readonly ColumnBuilder[];

  constructor(columns: readonly TypedColumn[]) {
    this.#builders = columns.map(({ name, type }) => columnBuilder(type, name));
  }

  append(chunk: DuckDBDataChunk, start: number, end: number): number {
    this.#builders.forEach((builder, column) => {
      const vector = chunk.getColumnVector(column);
      for (let row = start; row < end; row++) builder.append(vector.getItem(row));
    });
    return this.#builders.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  take(): BatchParts {
    const parts: BatchParts = { nodes: [], buffers: [] };
    for (const builder of this.#builders) builder.take(parts);
    return parts;
  }
}
