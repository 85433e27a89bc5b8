import { broken, type FlatTable } from './arrow-flatbuffer.ts';
import type { OffsetWidth } from './arrow-schema.ts';

const UNBACKED_ROWS_MAX = 1_048_576;

interface TypedArray<T> {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
}

/** Hands out the nodes and buffers of one record batch in the order its fields need them. */
export class BatchCursor {
  readonly rows: number;
  private readonly nodes: readonly number[];
  private readonly buffers: readonly number[];
  private readonly variadicCounts: readonly number[];
  private readonly body: Uint8Array;
  private node = 0;
  private buffer = 0;
  private variadic = 0;

  constructor(batch: FlatTable, body: Uint8Array) {
    if (batch.table(3) !== undefined) throw broken('compressed buffers (LZ4 or ZSTD), which are not read: write it without compression');
    this.rows = Number(batch.int64(0));
    if (this.rows < 0 || this.rows > Math.max(UNBACKED_ROWS_MAX, body.length * 8)) throw broken(`a batch of ${this.rows} rows in ${body.length} bytes`);
    this.nodes = batch.int64s(1, 2);
    this.buffers = batch.int64s(2, 2);
    this.variadicCounts = batch.int64s(4);
    this.body = body;
  }

  nextNode(): { length: number; nullCount: number } {
    const length = this.nodes[this.node];
    const nullCount = this.nodes[this.node + 1];
    if (length === undefined || nullCount === undefined) throw broken('a batch with fewer columns than its schema');
    this.node += 2;
    return { length, nullCount };
  }

  nextBuffer(): Uint8Array {
    const offset = this.buffers[this.buffer];
    const length = this.buffers[this.buffer + 1];
    if (offset === undefined || length === undefined) throw broken('a batch with fewer buffers than its columns need');
    if (offset + length > this.body.length) throw broken('a buffer that ends outside of its message');
    this.buffer += 2;
    return this.body.subarray(offset, offset + length);
  }

  /** The data buffers of a view column. */
  nextVariadicBuffers(): Uint8Array[] {
    const count = this.variadicCounts[this.variadic++];
    if (count === undefined || count * 2 > this.buffers.length - this.buffer) throw broken('a view column without its data buffers');
    return Array.from({ length: count }, () => this.nextBuffer());
  }

  /** @throws InvalidArrow when nodes or buffers are left over: then the batch is not of this schema */
  finish(): void {
    if (this.node !== this.nodes.length || this.buffer !== this.buffers.length) throw broken('a batch with more columns than its schema');
  }
}

/** `count` items of a typed array over the buffer, copied only when they are not aligned. */
export function typed<T>(bytes: Uint8Array, Type: TypedArray<T>, count: number): T {
  const wanted = count * Type.BYTES_PER_ELEMENT;
  if (!(wanted <= bytes.length)) throw broken(`a buffer of ${bytes.length} bytes for ${count} values`);
  const aligned = bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice(0, wanted);
  return new Type(aligned.buffer, aligned.byteOffset, count);
}

/** Which rows of a window hold no value that is wanted: their own null, or one of their parents'. 1 = null. */
export type NullMask = Uint8Array | undefined;

/** A validity bitmap; undefined when every value is valid. */
export type Validity = Uint8Array | undefined;

export function readValidity(bytes: Uint8Array, node: { length: number; nullCount: number }): Validity {
  if (node.nullCount > node.length) throw broken('more nulls than values');
  if (node.nullCount === 0) return undefined;
  if (bytes.length * 8 < node.length) throw broken('a validity bitmap that is too short');
  return bytes;
}

export function nullsIn(validity: Validity, start: number, count: number, parents: NullMask): NullMask {
  if (validity === undefined) return parents;
  const nulls = parents === undefined ? new Uint8Array(count) : Uint8Array.from(parents);
  for (let index = 0; index < count; index++) {
    const row = start + index;
    if (((validity[row >> 3]! >> (row & 7)) & 1) === 0) nulls[index] = 1;
  }
  return nulls;
}

/** Reads `count + 1` offsets of a window, checked: ascending, and none behind `end`. */
export type ReadOffsets = (start: number, count: number) => ArrayLike<number>;

export function readOffsets(bytes: Uint8Array, width: OffsetWidth, length: number, end: number): ReadOffsets {
  if (length === 0) return () => [0]; // an empty column may leave its one offset out
  if (width === 4) {
    const offsets = typed(bytes, Int32Array, length + 1);
    return (start, count) => ascending(offsets.subarray(start, start + count + 1), end);
  }
  const offsets = typed(bytes, BigInt64Array, length + 1);
  return (start, count) => ascending(Float64Array.from(offsets.subarray(start, start + count + 1), Number), end);
}

function ascending(offsets: ArrayLike<number>, end: number): ArrayLike<number> {
  let before = 0;
  for (let index = 0; index < offsets.length; index++) {
    const offset = offsets[index]!;
    if (!(offset >= before)) throw broken('offsets that do not ascend');
    before = offset;
  }
  if (before > end) throw broken('offsets behind the end of their values');
  return offsets;
}
