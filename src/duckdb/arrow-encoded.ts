import { VALUE_BYTES } from './arrow-budget.ts';
import { joined, joinedBits, readValidity, typed, type ArrowNode, type ArrowParts, type Validity } from './arrow-buffers.ts';
import type { ArrowColumn, ChunkWriting } from './arrow-column.ts';
import { broken } from './arrow-flatbuffer.ts';
import type { ArrowField, DictionaryEncoding } from './arrow-schema.ts';
import { isSet } from './bits.ts';
import type { Vector } from './raw-vector.ts';
import { validOf, type Rows } from './rows.ts';

const INDICES = {
  s8: Int8Array,
  s16: Int16Array,
  s32: Int32Array,
  s64: BigInt64Array,
  u8: Uint8Array,
  u16: Uint16Array,
  u32: Uint32Array,
  u64: BigUint64Array,
} as const;

/** Indices into the dictionary of the moment they are written: its values are picked, never spread out. */
export class DictionaryColumn implements ArrowColumn {
  readonly length: number;
  readonly #encoding: DictionaryEncoding;
  readonly #bytes: Uint8Array;
  readonly #indices: ArrayLike<number | bigint>;
  readonly #validity: Validity;
  readonly #values: () => ArrowColumn;

  private constructor(length: number, encoding: DictionaryEncoding, bytes: Uint8Array, validity: Validity, values: () => ArrowColumn) {
    this.length = length;
    this.#encoding = encoding;
    this.#bytes = bytes;
    this.#indices = typed<ArrayLike<number | bigint>>(bytes, INDICES[`${encoding.signed ? 's' : 'u'}${encoding.bits}` as keyof typeof INDICES], length);
    this.#validity = validity;
    this.#values = values;
  }

  static open(encoding: DictionaryEncoding, node: ArrowNode, parts: ArrowParts, values: () => ArrowColumn): DictionaryColumn {
    const validity = readValidity(parts.nextBuffer(), node);
    return new DictionaryColumn(node.length, encoding, parts.nextBuffer(), validity, values);
  }

  write(vector: Vector, rows: Rows, writing: ChunkWriting): void {
    writing.budget.take(rows.count * VALUE_BYTES);
    const values = this.#values();
    const valid = validOf(this.#validity, rows);
    const picks = new Int32Array(rows.count);
    for (let index = 0; index < rows.count; index++) {
      if (valid === undefined || isSet(valid, index)) picks[index] = this.#pick(rows.picks?.[index] ?? rows.start + index, values.length);
    }
    values.write(vector, { start: 0, count: rows.count, picks, valid }, writing);
  }

  identityOf(row: number): string | undefined {
    if (this.#validity !== undefined && !isSet(this.#validity, row)) return undefined;
    const values = this.#values();
    return values.identityOf(this.#pick(row, values.length));
  }

  followedBy(next: DictionaryColumn): DictionaryColumn {
    const width = this.#encoding.bits / 8;
    const bytes = joined(this.#bytes, this.length * width, next.#bytes, next.length * width);
    const validity = joinedBits(this.#validity, this.length, next.#validity, next.length);
    return new DictionaryColumn(this.length + next.length, this.#encoding, bytes, validity, this.#values);
  }

  #pick(row: number, length: number): number {
    const index = Number(this.#indices[row]);
    if (!(index >= 0 && index < length)) throw broken('an index outside of its dictionary');
    return index;
  }
}

/** Runs of equal values: every row picks the value of its run. */
export class RunEndColumn implements ArrowColumn {
  readonly length: number;
  readonly #ends: readonly number[];
  readonly #values: ArrowColumn;

  constructor(length: number, ends: readonly number[], values: ArrowColumn) {
    if (values.length < ends.length || (ends.at(-1) ?? 0) < length) throw broken('runs that do not cover their column');
    this.length = length;
    this.#ends = ends;
    this.#values = values;
  }

  static readEnds({ type }: ArrowField, parts: ArrowParts): readonly number[] {
    const node = parts.nextNode();
    if (readValidity(parts.nextBuffer(), node) !== undefined) throw broken('a run end that is null');
    const bits = type.kind === 'int' ? type.bits : 0;
    const Ends = bits === 16 ? Int16Array : bits === 32 ? Int32Array : BigInt64Array;
    const ends = Array.from(typed<Int16Array | Int32Array | BigInt64Array>(parts.nextBuffer(), Ends, node.length), Number);
    if (ends.some((end, index) => !(end > (ends[index - 1] ?? 0)))) throw broken('run ends that do not ascend');
    return ends;
  }

  write(vector: Vector, { start, count, picks, valid }: Rows, writing: ChunkWriting): void {
    writing.budget.take(count * VALUE_BYTES);
    const runs = new Int32Array(count);
    for (let index = 0, run = picks === undefined ? this.#runOf(start) : 0; index < count; index++) {
      if (picks !== undefined) run = valid === undefined || isSet(valid, index) ? this.#runOf(picks[index]!) : 0;
      else while (this.#ends[run]! <= start + index) run++;
      runs[index] = run;
    }
    this.#values.write(vector, { start: 0, count, picks: runs, valid }, writing);
  }

  identityOf(row: number): string | undefined {
    return this.#values.identityOf(this.#runOf(row));
  }

  followedBy(next: RunEndColumn): RunEndColumn {
    const runs = this.#ends.findIndex((end) => end >= this.length) + 1;
    if (this.#values.length !== runs) throw broken('runs behind the end of a dictionary that is added to');
    const ends = [...this.#ends.slice(0, Math.max(runs - 1, 0)), ...(runs > 0 ? [this.length] : []), ...next.#ends.map((end) => this.length + end)];
    return new RunEndColumn(this.length + next.length, ends, this.#values.followedBy(next.#values));
  }

  /** The first run that ends behind the row, by halves. */
  #runOf(row: number): number {
    let low = 0;
    let high = this.#ends.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ends[middle]! > row) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
