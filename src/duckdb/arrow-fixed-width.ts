import { joined, joinedBits, readValidity, type ArrowNode, type ArrowParts, type Validity } from './arrow-buffers.ts';
import { VALUE_BYTES } from './arrow-budget.ts';
import type { ArrowColumn, ChunkWriting } from './arrow-column.ts';
import { conversionOf, type Conversion } from './arrow-conversions.ts';
import { broken } from './arrow-flatbuffer.ts';
import type { ArrowField } from './arrow-schema.ts';
import { bytesOfBits, isSet, sliceBits } from './bits.ts';
import { writeData, writeValidity, type Vector } from './raw-vector.ts';
import { pickBits, pickValues, validOf, type Rows } from './rows.ts';
import { Scratch } from './scratch.ts';

/** Values that all take the same bytes: copied in bulk, or converted on the way. */
export class FixedWidthColumn implements ArrowColumn {
  readonly length: number;
  readonly #bytes: Uint8Array;
  readonly #validity: Validity;
  readonly #conversion: Conversion;

  private constructor(length: number, bytes: Uint8Array, validity: Validity, conversion: Conversion) {
    this.length = length;
    this.#bytes = bytes;
    this.#validity = validity;
    this.#conversion = conversion;
  }

  static open(field: ArrowField, node: ArrowNode, parts: ArrowParts): FixedWidthColumn {
    const validity = readValidity(parts.nextBuffer(), node);
    const bytes = parts.nextBuffer();
    const conversion = conversionOf(field);
    if (bytes.length < node.length * conversion.width) throw broken(`a buffer of ${bytes.length} bytes for ${node.length} values`);
    return new FixedWidthColumn(node.length, bytes, validity, conversion);
  }

  write(vector: Vector, rows: Rows, { budget, picked, converted }: ChunkWriting): void {
    budget.take(rows.count * VALUE_BYTES);
    const { width, convert } = this.#conversion;
    const valid = validOf(this.#validity, rows);
    let values = this.#bytes.subarray(rows.start * width, (rows.start + rows.count) * width);
    if (rows.picks !== undefined) {
      values = picked.take(rows.count * width);
      pickValues(this.#bytes, width, rows.picks, valid, rows.count, values);
    }
    writeData(vector, convert === undefined ? values : convert(values, rows.count, valid, converted));
    writeValidity(vector, valid, rows.count);
  }

  identityOf(row: number): string | undefined {
    if (this.#validity !== undefined && !isSet(this.#validity, row)) return undefined;
    const { width, convert, isFloat } = this.#conversion;
    const value = this.#bytes.subarray(row * width, (row + 1) * width);
    const held = Buffer.from(convert === undefined ? value : convert(value, 1, undefined, new Scratch()));
    if (isFloat) return String(held.length === 4 ? held.readFloatLE() : held.readDoubleLE()); // one zero, one NaN
    return held.toString('latin1');
  }

  followedBy(next: FixedWidthColumn): FixedWidthColumn {
    const { width } = this.#conversion;
    const bytes = joined(this.#bytes, this.length * width, next.#bytes, next.length * width);
    const validity = joinedBits(this.#validity, this.length, next.#validity, next.length);
    return new FixedWidthColumn(this.length + next.length, bytes, validity, this.#conversion);
  }
}

/** Booleans take a bit in Arrow and a byte in DuckDB. */
export class BooleanColumn implements ArrowColumn {
  readonly length: number;
  readonly #bits: Uint8Array;
  readonly #validity: Validity;

  private constructor(length: number, bits: Uint8Array, validity: Validity) {
    this.length = length;
    this.#bits = bits;
    this.#validity = validity;
  }

  static open(node: ArrowNode, parts: ArrowParts): BooleanColumn {
    const validity = readValidity(parts.nextBuffer(), node);
    const bits = parts.nextBuffer();
    if (bits.length < bytesOfBits(node.length)) throw broken('a buffer of booleans that is too short');
    return new BooleanColumn(node.length, bits, validity);
  }

  write(vector: Vector, rows: Rows, { budget, converted }: ChunkWriting): void {
    const { count, start, picks } = rows;
    budget.take(count * VALUE_BYTES);
    const valid = validOf(this.#validity, rows);
    const bits = picks === undefined ? sliceBits(this.#bits, start, count) : pickBits(this.#bits, picks, valid, count);
    const bytes = converted.take(count);
    for (let index = 0; index < count; index++) bytes[index] = (bits[index >> 3]! >> (index & 7)) & 1;
    writeData(vector, bytes);
    writeValidity(vector, valid, count);
  }

  identityOf(row: number): string | undefined {
    if (this.#validity !== undefined && !isSet(this.#validity, row)) return undefined;
    return isSet(this.#bits, row) ? '1' : '0';
  }

  followedBy(next: BooleanColumn): BooleanColumn {
    const length = this.length + next.length;
    const bits = joinedBits(this.#bits, this.length, next.#bits, next.length) ?? new Uint8Array(0);
    return new BooleanColumn(length, bits, joinedBits(this.#validity, this.length, next.#validity, next.length));
  }
}

/** A column without values: NULL in every row, of the type DuckDB's own CREATE TABLE AS gives it. */
export class NullColumn implements ArrowColumn {
  readonly length: number;

  constructor(length: number) {
    this.length = length;
  }

  write(vector: Vector, { count }: Rows, { budget }: ChunkWriting): void {
    budget.take(count * VALUE_BYTES);
    writeData(vector, new Uint8Array(count * Int32Array.BYTES_PER_ELEMENT));
    writeValidity(vector, new Uint8Array(bytesOfBits(count)), count);
  }

  identityOf(): undefined {
    return undefined;
  }

  followedBy(next: NullColumn): NullColumn {
    return new NullColumn(this.length + next.length);
  }
}
