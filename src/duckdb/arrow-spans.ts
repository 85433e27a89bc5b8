import { typed } from './arrow-buffers.ts';
import { broken } from './arrow-flatbuffer.ts';
import type { OffsetWidth } from './arrow-schema.ts';

/** Which items each row of a list or text column has. What a row claims is checked when it is asked for. */
export class Spans {
  readonly #begins: Int32Array;
  /** None when a row ends where the next one begins. */
  readonly #sizes: Int32Array | undefined;
  readonly #items: number;

  private constructor(begins: Int32Array, sizes: Int32Array | undefined, items: number) {
    this.#begins = begins;
    this.#sizes = sizes;
    this.#items = items;
  }

  /** @param items how many there are: no span ends behind them */
  static ofOffsets(bytes: Uint8Array, width: OffsetWidth, length: number, items: number): Spans {
    if (length === 0) return new Spans(new Int32Array(1), undefined, items); // an empty column may leave its one offset out
    return new Spans(integers(bytes, width, length + 1), undefined, items);
  }

  static ofViews(begins: Uint8Array, sizes: Uint8Array, width: OffsetWidth, length: number, items: number): Spans {
    return new Spans(integers(begins, width, length), integers(sizes, width, length), items);
  }

  /** Spans of the same size, one behind the other. */
  static ofSize(size: number, length: number): Spans {
    return new Spans(
      Int32Array.from({ length: length + 1 }, (_none, row) => row * size),
      undefined,
      length * size,
    );
  }

  begin(row: number): number {
    return this.#begins[row]!;
  }

  /** @throws InvalidArrow when the span is not one, or not inside the items */
  size(row: number): number {
    const size = this.#claimedSize(row);
    if (!this.#isInside(row, size)) throw broken('offsets that do not ascend within their values');
    return size;
  }

  /** `count + 1` offsets of rows that follow each other, checked; none when their items do not. */
  window(start: number, count: number): Int32Array | undefined {
    if (this.#sizes !== undefined) return undefined;
    const offsets = this.#begins.subarray(start, start + count + 1);
    let before = 0;
    for (let index = 0; index < offsets.length; index++) {
      const offset = offsets[index]!;
      if (offset < before) throw broken('offsets that do not ascend');
      before = offset;
    }
    if (before > this.#items) throw broken('offsets behind the end of their values');
    return offsets;
  }

  /** These, and behind them those of a column whose items follow these ones'. */
  followedBy(next: Spans, length: number, nextLength: number): Spans {
    const begins = new Int32Array(length + nextLength);
    const sizes = new Int32Array(length + nextLength);
    const put = (from: Spans, count: number, at: number, items: number): void => {
      for (let row = 0; row < count; row++) {
        const size = from.#claimedSize(row);
        // What nulls hide may be anything: it stays refused, and is only refused when asked for.
        begins[at + row] = from.#isInside(row, size) ? items + from.begin(row) : -1;
        sizes[at + row] = size;
      }
    };
    put(this, length, 0, 0);
    put(next, nextLength, length, this.#items);
    return new Spans(begins, sizes, this.#items + next.#items);
  }

  #claimedSize(row: number): number {
    return this.#sizes === undefined ? this.#begins[row + 1]! - this.#begins[row]! : this.#sizes[row]!;
  }

  #isInside(row: number, size: number): boolean {
    const begin = this.#begins[row]!;
    return begin >= 0 && size >= 0 && begin + size <= this.#items;
  }
}

/** 64-bit ones narrowed: a message is too short for any that does not fit, and those become -1, which no check lets pass. */
function integers(bytes: Uint8Array, width: OffsetWidth, count: number): Int32Array {
  if (width === 4) return typed(bytes, Int32Array, count);
  const words = typed(bytes, Int32Array, count * 2);
  const narrow = new Int32Array(count);
  for (let index = 0; index < count; index++) narrow[index] = words[index * 2 + 1] === 0 ? words[index * 2]! : -1;
  return narrow;
}
