import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { DecodeBudget } from './arrow-budget.ts';
import { BatchCursor } from './arrow-buffers.ts';
import { openColumn } from './arrow-columns.ts';
import { Dictionaries } from './arrow-dictionaries.ts';
import { broken, type FlatTable } from './arrow-flatbuffer.ts';
import type { ArrowField } from './arrow-schema.ts';
import { columnVector } from './raw-vector.ts';
import { Scratch } from './scratch.ts';
import { StringHeap } from './string-heap.ts';

/**
 * Fills an empty chunk with rows of the batch. What was filled in before is gone then.
 * @throws InvalidArrow, ValueOutOfRange (`field`); OverBudget before anything too large is allocated
 */
export type FillChunk = (chunk: DuckDBDataChunk, start: number, rows: number, budget: DecodeBudget) => void;

/** Turns the batches of one stream into chunks. */
export interface BatchDecoder {
  /** @throws InvalidArrow, PayloadTooLarge (`limit`) */
  acceptDictionary(header: FlatTable, body: Uint8Array): void;
  /** The batch is read by `fill`, from the body as it is then. @throws InvalidArrow */
  openBatch(header: FlatTable, body: Uint8Array): { readonly rows: number; readonly fill: FillChunk };
}

/** Buffers go into vectors as they are, column by column, once each value is checked. */
export class RawBatches implements BatchDecoder {
  readonly #fields: readonly ArrowField[];
  readonly #dictionaries: Dictionaries;
  readonly #heap = new StringHeap();
  readonly #picked = new Scratch();
  readonly #converted = new Scratch();

  /** @param maxBytes bounds the dictionaries */
  constructor(fields: readonly ArrowField[], maxBytes: number) {
    this.#fields = fields;
    this.#dictionaries = new Dictionaries(fields, maxBytes);
  }

  acceptDictionary(header: FlatTable, body: Uint8Array): void {
    this.#dictionaries.accept(header, body);
  }

  openBatch(header: FlatTable, body: Uint8Array): { readonly rows: number; readonly fill: FillChunk } {
    const parts = new BatchCursor(header, body);
    const columns = this.#fields.map((field) => openColumn(field, parts, this.#dictionaries));
    parts.finish();
    const { rows: length } = parts;
    if (columns.some((column) => column.length !== length)) throw broken('columns of different lengths in one batch');
    const fill: FillChunk = ({ chunk }, start, count, budget) => {
      this.#heap.release();
      const writing = { budget, heap: this.#heap, picked: this.#picked, converted: this.#converted };
      columns.forEach((column, index) => column.write(columnVector(chunk, index), { start, count }, writing));
    };
    return { rows: length, fill };
  }
}
