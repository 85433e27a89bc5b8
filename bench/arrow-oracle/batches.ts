import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { BatchDecoder, FillChunk } from '../../src/duckdb/arrow-batches.ts';
import type { DecodeBudget } from '../../src/duckdb/arrow-budget.ts';
import { BatchCursor } from '../../src/duckdb/arrow-buffers.ts';
import { broken, type FlatTable } from '../../src/duckdb/arrow-flatbuffer.ts';
import type { ArrowField } from '../../src/duckdb/arrow-schema.ts';
import { openColumn } from './columns.ts';
import { Dictionaries } from './dictionaries.ts';

/**
 * Arrow into DuckDB by the documented interface of its client: one JavaScript value after the other, set into chunks by
 * column. Slow and plain: what the bridge over raw buffers is held equal to, and measured beside.
 */
export class ValueBatches implements BatchDecoder {
  readonly #fields: readonly ArrowField[];
  readonly #dictionaries: Dictionaries;

  constructor(fields: readonly ArrowField[], maxBytes: number) {
    this.#fields = fields;
    this.#dictionaries = new Dictionaries(fields, maxBytes);
  }

  acceptDictionary(header: FlatTable, body: Uint8Array): void {
    this.#dictionaries.accept(header, body);
  }

  openBatch(header: FlatTable, body: Uint8Array): { readonly rows: number; readonly fill: FillChunk } {
    const cursor = new BatchCursor(header, body);
    const columns = this.#fields.map((field) => openColumn(field, cursor, this.#dictionaries));
    cursor.finish();
    if (columns.some(({ length }) => length !== cursor.rows)) throw broken('columns of different lengths in one batch');
    const fill = (chunk: DuckDBDataChunk, start: number, rows: number, budget: DecodeBudget): void => {
      columns.forEach((column, index) => chunk.setColumnValues(index, column.read(start, rows, undefined, budget)));
    };
    return { rows: cursor.rows, fill };
  }
}
