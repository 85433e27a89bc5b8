import type { ArrowColumn, ChunkWriting } from './arrow-column.ts';
import { VALUE_BYTES } from './arrow-budget.ts';
import type { TextColumn } from './arrow-text.ts';
import { isSet } from './bits.ts';
import { writeData, writeValidity, type Vector } from './raw-vector.ts';
import { pickValues, validOf, type Rows } from './rows.ts';
import { ENTRY_BYTES } from './string-entries.ts';
import type { StringHeap } from './string-heap.ts';

/** Entries of all strings of a dictionary, and the heap they point into. */
interface Pinned {
  readonly entries: Uint8Array;
  readonly heap: StringHeap;
}

/** The strings of a dictionary: checked and copied once, when first picked; then each row takes 16 bytes. */
export class PinnedTextColumn implements ArrowColumn {
  readonly #texts: TextColumn;
  readonly #pin: (texts: TextColumn) => Pinned;
  #pinned: Pinned | undefined;

  constructor(texts: TextColumn, pin: (texts: TextColumn) => Pinned) {
    this.#texts = texts;
    this.#pin = pin;
  }

  get length(): number {
    return this.#texts.length;
  }

  write(vector: Vector, rows: Rows, { budget, converted }: ChunkWriting): void {
    const { start, count, picks } = rows;
    budget.take(count * VALUE_BYTES);
    const valid = validOf(this.#texts.validity, rows);
    for (let index = 0; index < count; index++) {
      if (valid === undefined || isSet(valid, index)) budget.take(this.#texts.sizeOf(picks?.[index] ?? start + index));
    }
    this.#pinned ??= this.#pin(this.#texts);
    let entries = this.#pinned.entries.subarray(start * ENTRY_BYTES, (start + count) * ENTRY_BYTES);
    if (picks !== undefined) {
      entries = converted.take(count * ENTRY_BYTES);
      pickValues(this.#pinned.entries, ENTRY_BYTES, picks, valid, count, entries);
    }
    writeData(vector, entries);
    writeValidity(vector, valid, count);
  }

  identityOf(row: number): string | undefined {
    return this.#texts.identityOf(row);
  }

  followedBy(next: PinnedTextColumn): PinnedTextColumn {
    return new PinnedTextColumn(this.#texts.followedBy(next.#texts), this.#pin);
  }
}
