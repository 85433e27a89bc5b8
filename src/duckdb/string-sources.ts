import { isSet, type Bits } from './bits.ts';
import { copyBytes } from './copy-bytes.ts';
import { readAddress } from './raw-vector.ts';
import type { Rows } from './rows.ts';
import { ENTRY_BYTES, INLINE_BYTES_MAX } from './string-entries.ts';

const ENTRY_WORDS = ENTRY_BYTES / 4;
const ADDRESS_AT = 8;
const HIGH_WORD = 2 ** 32;
/**
 * Strings no further apart are read at once. Each end of the gap lies on a page that is there, and a gap smaller than a
 * page reaches no third one; but two strings of one chunk may be 600 MB apart, and what is between them may not be there.
 */
const GAP_BYTES = 2_048;

/** Entries of a string vector, `duckdb_string_t` each. */
export class StringSources {
  readonly #entries: Uint8Array;
  readonly #words: Uint32Array;

  constructor(entries: Uint8Array) {
    this.#entries = entries;
    this.#words = new Uint32Array(entries.buffer, entries.byteOffset, entries.byteLength / 4);
  }

  /** Where each string ends when they are put one behind the other; a zero comes first. Without values there are none. */
  ends({ start, count, picks }: Rows, valid: Bits | undefined): Float64Array {
    const ends = new Float64Array(count + 1);
    let bytes = 0;
    for (let index = 0; index < count; index++) {
      if (valid === undefined || isSet(valid, index)) bytes += this.#words[(picks === undefined ? start + index : picks[index]!) * ENTRY_WORDS]!;
      ends[index + 1] = bytes;
    }
    return ends;
  }

  /** Copies the strings one behind the other. @param ends of these rows */
  copy({ start, count, picks }: Rows, ends: ArrayLike<number>, into: Uint8Array, at: number): void {
    const run = new Run(this.#entries, into, at, ends);
    for (let index = 0; index < count; index++) {
      const size = ends[index + 1]! - ends[index]!;
      if (size === 0) continue;
      const row = picks === undefined ? start + index : picks[index]!;
      if (size <= INLINE_BYTES_MAX) copyBytes(this.#entries, row * ENTRY_BYTES + 4, size, into, at + ends[index]!);
      else run.add(index, row, this.#addressOf(row), size);
    }
    run.flush();
  }

  /** Below 2^53 on every machine there is. */
  #addressOf(row: number): number {
    return this.#words[row * ENTRY_WORDS + 2]! + this.#words[row * ENTRY_WORDS + 3]! * HIGH_WORD;
  }
}

/** Long strings whose bytes lie near each other, in whatever order: read by one call, since each costs more than a string. */
class Run {
  readonly #entries: Uint8Array;
  readonly #into: Uint8Array;
  readonly #at: number;
  readonly #ends: ArrayLike<number>;
  readonly #indices: number[] = [];
  readonly #addresses: number[] = [];
  #low = Infinity;
  #high = -Infinity;
  /** The row whose string comes first in memory. */
  #lowRow = 0;

  constructor(entries: Uint8Array, into: Uint8Array, at: number, ends: ArrayLike<number>) {
    this.#entries = entries;
    this.#into = into;
    this.#at = at;
    this.#ends = ends;
  }

  add(index: number, row: number, address: number, size: number): void {
    if (address > this.#high + GAP_BYTES || address + size < this.#low - GAP_BYTES) this.flush();
    this.#indices.push(index);
    this.#addresses.push(address);
    if (address + size > this.#high) this.#high = address + size;
    if (address >= this.#low) return;
    this.#low = address;
    this.#lowRow = row;
  }

  flush(): void {
    const count = this.#indices.length;
    if (count === 0) return;
    const bytes = readAddress(this.#entries, this.#lowRow * ENTRY_BYTES + ADDRESS_AT, this.#high - this.#low);
    for (let item = 0; item < count; item++) {
      const begin = this.#addresses[item]!;
      const first = this.#ends[this.#indices[item]!]!;
      let end = this.#ends[this.#indices[item]! + 1]!;
      // Strings that follow each other both there and here are copied together.
      while (item + 1 < count && this.#addresses[item + 1] === begin + end - first && this.#ends[this.#indices[item + 1]!] === end) {
        item += 1;
        end = this.#ends[this.#indices[item]! + 1]!;
      }
      copyBytes(bytes, begin - this.#low, end - first, this.#into, this.#at + first);
    }
    this.#indices.length = 0;
    this.#addresses.length = 0;
    this.#low = Infinity;
    this.#high = -Infinity;
  }
}
