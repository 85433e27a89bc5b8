import { GrowingBits, Validities, type BatchParts } from './arrow-batch-parts.ts';
import { Growing } from './arrow-growing.ts';
import type { ResultColumn } from './arrow-result-column.ts';
import { bytesOfBits, isSet, type Bits } from './bits.ts';
import { readData, readValidity, type Vector } from './raw-vector.ts';
import { pickValues, validOf, type Rows } from './rows.ts';
import { Scratch } from './scratch.ts';

/** How values of a fixed width leave. */
export interface FixedLayout {
  /** Bytes of a value in DuckDB. */
  readonly from: number;
  /** Bytes of a value in Arrow. */
  readonly to: number;
  /**
   * Writes `count` values in Arrow's form; none when both are the same. Where `valid` is unset anything may come out.
   * @throws ValueOutOfRange (`field`)
   */
  readonly convert?: (values: Uint8Array, count: number, valid: Bits | undefined, out: Uint8Array) => void;
}

/** Values that all take the same bytes: copied in bulk, or converted on the way. */
export class FixedResult implements ResultColumn {
  readonly #layout: FixedLayout;
  readonly #valid = new Validities();
  readonly #values = new Growing(Uint8Array);
  readonly #picked = new Scratch();
  #data: Uint8Array = new Uint8Array(0);
  #validity: Bits | undefined;

  constructor(layout: FixedLayout) {
    this.#layout = layout;
  }

  get bytes(): number {
    return this.#values.bytes;
  }

  open(vector: Vector, size: number): void {
    this.#data = readData(vector, size * this.#layout.from);
    this.#validity = readValidity(vector, size);
  }

  append(rows: Rows): void {
    const { count } = rows;
    const { to, convert } = this.#layout;
    const valid = validOf(this.#validity, rows);
    this.#valid.append(valid, count);
    const at = this.#values.extend(count * to); // may move `items`
    const out = this.#values.items.subarray(at, at + count * to);
    const values = this.#source(rows, valid);
    if (convert === undefined) out.set(values);
    else convert(values, count, valid, out);
    if (valid !== undefined) clearUnset(out, to, valid, count);
  }

  take(parts: BatchParts): void {
    this.#valid.take(parts);
    parts.buffers.push(this.#values.take());
  }

  #source({ start, count, picks }: Rows, valid: Bits | undefined): Uint8Array {
    const { from } = this.#layout;
    if (picks === undefined) return this.#data.subarray(start * from, (start + count) * from);
    const picked = this.#picked.take(count * from);
    pickValues(this.#data, from, picks, valid, count, picked);
    return picked;
  }
}

/** What lies behind a null may be anything, of anybody's (I7). */
function clearUnset(bytes: Uint8Array, width: number, valid: Bits, count: number): void {
  for (let row = 0; row < count; row++) {
    if (!isSet(valid, row)) for (let byte = row * width; byte < (row + 1) * width; byte++) bytes[byte] = 0;
  }
}

/** Booleans take a byte in DuckDB and a bit in Arrow. */
export class BooleanResult implements ResultColumn {
  readonly #valid = new Validities();
  readonly #values = new GrowingBits();
  #data: Uint8Array = new Uint8Array(0);
  #validity: Bits | undefined;

  get bytes(): number {
    return this.#values.count / 8;
  }

  open(vector: Vector, size: number): void {
    this.#data = readData(vector, size);
    this.#validity = readValidity(vector, size);
  }

  append(rows: Rows): void {
    const { start, count, picks } = rows;
    const valid = validOf(this.#validity, rows);
    const bits = new Uint8Array(bytesOfBits(count));
    for (let index = 0; index < count; index++) {
      if (valid !== undefined && !isSet(valid, index)) continue;
      const row = picks === undefined ? start + index : picks[index]!;
      if (this.#data[row] !== 0) bits[index >> 3]! |= 1 << (index & 7);
    }
    this.#valid.append(valid, count);
    this.#values.append(bits, count);
  }

  take(parts: BatchParts): void {
    this.#valid.take(parts);
    parts.buffers.push(this.#values.take());
  }
}

/** A column without values. */
export class NullResult implements ResultColumn {
  readonly bytes = 0;
  #length = 0;

  open(): void {
    // There is nothing to look at.
  }

  append({ count }: Rows): void {
    this.#length += count;
  }

  take(parts: BatchParts): void {
    parts.nodes.push({ length: this.#length, nullCount: this.#length });
    this.#length = 0;
  }
}
