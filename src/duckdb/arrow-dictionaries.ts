import { PayloadTooLarge } from '../domain/errors.ts';
import { DecodeBudget, OverBudget, VALUE_BYTES } from './arrow-budget.ts';
import { BatchCursor, NO_BUFFERS } from './arrow-buffers.ts';
import type { ArrowColumn, ChunkWriting } from './arrow-column.ts';
import { broken, type FlatTable } from './arrow-flatbuffer.ts';
import { openColumn } from './arrow-columns.ts';
import type { ArrowField } from './arrow-schema.ts';
import { TextColumn } from './arrow-text.ts';
import { PinnedTextColumn } from './arrow-pinned-text.ts';
import { Scratch } from './scratch.ts';
import { StringHeap } from './string-heap.ts';
import { arrowTypeText } from './type-map.ts';

interface Dictionary {
  readonly values: ArrowField;
  column: ArrowColumn;
  /** Of its messages, and what its values take at least. */
  bytes: number;
}

/** The dictionaries of one stream, replaced and added to as its messages say. */
export class Dictionaries {
  readonly #byId = new Map<bigint, Dictionary>();
  readonly #maxBytes: number;

  /** @param maxBytes bounds what all dictionaries take together, encoded, and what one of them takes decoded */
  constructor(fields: readonly ArrowField[], maxBytes: number) {
    this.#maxBytes = maxBytes;
    fields.forEach((field) => this.#register(field));
  }

  /** Takes a dictionary batch: a delta adds to the dictionary of its id, any other replaces it. */
  accept(batch: FlatTable, body: Uint8Array): void {
    const dictionary = this.#byId.get(batch.int64(0));
    const data = batch.table(1);
    if (dictionary === undefined || data === undefined) throw broken('a dictionary that no column uses');
    const cursor = new BatchCursor(data, body);
    const column = openColumn(dictionary.values, cursor, this);
    cursor.finish();
    const bytes = body.length + column.length * VALUE_BYTES;
    const isDelta = batch.bool(2);
    dictionary.bytes = isDelta ? dictionary.bytes + bytes : bytes;
    const held = [...this.#byId.values()].reduce((total, each) => total + each.bytes, 0);
    if (held > this.#maxBytes) throw this.#tooLarge();
    dictionary.column = isDelta ? dictionary.column.followedBy(this.#pinned(column)) : this.#pinned(column);
  }

  /** The values of the dictionary as they are now. */
  valuesOf(id: bigint): ArrowColumn {
    return this.#byId.get(id)!.column;
  }

  #register(field: ArrowField): void {
    const { dictionary, ...values } = field;
    if (dictionary !== undefined) {
      const known = this.#byId.get(dictionary.id);
      if (known !== undefined && arrowTypeText(known.values) !== arrowTypeText(values)) throw broken('one dictionary for columns of different types');
      if (known === undefined) this.#byId.set(dictionary.id, { values, column: this.#pinned(openColumn(values, NO_BUFFERS, this)), bytes: 0 });
    }
    field.children.forEach((child) => this.#register(child));
  }

  #pinned(column: ArrowColumn): ArrowColumn {
    return column instanceof TextColumn ? new PinnedTextColumn(column, (texts) => this.#entriesOf(texts)) : column;
  }

  #entriesOf(texts: TextColumn): { entries: Uint8Array; heap: StringHeap } {
    const heap = new StringHeap();
    const writing: ChunkWriting = { budget: new DecodeBudget(this.#maxBytes), heap, picked: new Scratch(), converted: new Scratch() };
    try {
      return { entries: texts.entries({ start: 0, count: texts.length, valid: texts.validity }, writing), heap };
    } catch (error) {
      throw error instanceof OverBudget ? this.#tooLarge() : error;
    }
  }

  #tooLarge(): Error {
    return new PayloadTooLarge(`The dictionaries of the Arrow stream take more than ${this.#maxBytes} bytes`, { limit: this.#maxBytes });
  }
}
