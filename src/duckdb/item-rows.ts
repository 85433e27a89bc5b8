import { isSet, repeatBits, type Bits } from './bits.ts';
import type { Rows } from './rows.ts';

/** Which items each row of a list has. */
export interface ItemSpans {
  begin(row: number): number;
  /** Asked for first; throws when the span is not inside the items. */
  size(row: number): number;
}

/** The items of some rows, put one behind the other. Those of rows without a value are left out. */
export class ItemRows {
  /** Where each row's end; a zero comes first. */
  readonly ends: Int32Array;
  readonly #rows: Rows;
  readonly #spans: ItemSpans;
  readonly #first: number;
  readonly #contiguous: boolean;

  /** @param valid of the rows, their own bits included */
  constructor(rows: Rows, valid: Bits | undefined, spans: ItemSpans) {
    const { count, start, picks } = rows;
    this.ends = new Int32Array(count + 1);
    this.#rows = rows;
    this.#spans = spans;
    let [total, first, contiguous] = [0, 0, true];
    for (let index = 0; index < count; index++) {
      if (valid === undefined || isSet(valid, index)) {
        const row = picks === undefined ? start + index : picks[index]!;
        const size = spans.size(row);
        const begin = spans.begin(row);
        if (total === 0) first = begin;
        else if (size > 0 && begin !== first + total) contiguous = false;
        total += size;
      }
      this.ends[index + 1] = total;
    }
    this.#first = first;
    this.#contiguous = contiguous;
  }

  get total(): number {
    return this.ends[this.#rows.count]!;
  }

  /** The items as rows of their own column; picked ones only when they do not follow each other there. */
  items(): Rows {
    if (this.#contiguous) return { start: this.#first, count: this.total };
    const { count, start, picks } = this.#rows;
    const items = new Int32Array(this.total);
    for (let index = 0; index < count; index++) {
      const end = this.ends[index + 1]!;
      const at = this.ends[index]!;
      if (at === end) continue;
      const begin = this.#spans.begin(picks === undefined ? start + index : picks[index]!);
      for (let item = at; item < end; item++) items[item] = begin + item - at;
    }
    return { start: 0, count: items.length, picks: items };
  }
}

/** The items of rows that all have so many, those of null ones included. @param valid of the rows, their own bits included */
export function fixedItems({ start, count, picks }: Rows, valid: Bits | undefined, size: number): Rows {
  return {
    start: start * size,
    count: count * size,
    picks: picks && Int32Array.from({ length: count * size }, (_none, index) => picks[Math.floor(index / size)]! * size + (index % size)),
    valid: valid && repeatBits(valid, count, size),
  };
}
