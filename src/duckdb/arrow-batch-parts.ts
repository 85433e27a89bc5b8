import { Growing } from './arrow-growing.ts';
import { bytesOfBits, countSet, type Bits } from './bits.ts';

/** Nodes and buffers of a record batch, in the order of its fields. */
export interface BatchParts {
  readonly nodes: { readonly length: number; readonly nullCount: number }[];
  readonly buffers: Uint8Array[];
}

/** A growing bitmap. */
export class GrowingBits {
  count = 0;
  ones = 0;
  readonly #bytes = new Growing(Uint8Array);

  /** @param bits at least `count` of them; all are set when there are none */
  append(bits: Bits | undefined, count: number): void {
    const first = this.count >> 3;
    const shift = this.count & 7;
    this.count += count;
    this.ones += bits === undefined ? count : countSet(bits, count);
    this.#bytes.extend(bytesOfBits(this.count) - this.#bytes.length); // may move `items`
    const items = this.#bytes.items;
    if (shift === 0) {
      if (bits === undefined) items.fill(0xff, first, this.#bytes.length);
      else items.set(bits.subarray(0, bytesOfBits(count)), first);
    } else {
      for (let index = 0; index < bytesOfBits(count); index++) {
        const byte = bits === undefined ? 0xff : bits[index]!;
        items[first + index]! |= byte << shift;
        items[first + index + 1] = byte >> (8 - shift); // behind the end it is written over
      }
    }
    const last = this.count & 7;
    if (last !== 0) items[this.count >> 3]! &= (1 << last) - 1;
  }

  take(): Uint8Array {
    this.count = 0;
    this.ones = 0;
    return this.#bytes.take();
  }
}

/** Validity, which all columns but nulls have; left out when every value is valid. */
export class Validities {
  readonly #valid = new GrowingBits();

  append(valid: Bits | undefined, count: number): void {
    this.#valid.append(valid, count);
  }

  get length(): number {
    return this.#valid.count;
  }

  take(parts: BatchParts): void {
    const { count, ones } = this.#valid;
    parts.nodes.push({ length: count, nullCount: count - ones });
    const bitmap = this.#valid.take();
    parts.buffers.push(ones === count ? new Uint8Array(0) : bitmap);
  }
}

/** Offsets of a list, string or binary column: one more than it has rows. */
export class Offsets {
  readonly #ends = new Growing(Int32Array);
  #last = 0;

  constructor() {
    this.#begin();
  }

  /** @param ends where each row ends, from 0 on: `count` of them behind the first */
  append(ends: ArrayLike<number>, count: number): void {
    const at = this.#ends.extend(count); // may move `items`
    const { items } = this.#ends;
    for (let row = 1; row <= count; row++) items[at + row - 1] = this.#last + ends[row]!;
    this.#last += ends[count]!;
  }

  get bytes(): number {
    return this.#ends.bytes;
  }

  take(): Uint8Array {
    const bytes = this.#ends.take().slice(); // the next batch begins to write at once
    this.#begin();
    return bytes;
  }

  #begin(): void {
    this.#last = 0;
    this.#ends.items[this.#ends.extend(1)] = 0;
  }
}
