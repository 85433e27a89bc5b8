import { bytesOfBits, sliceBits, type Bits } from './bits.ts';
import { BufferDecompressor, DECOMPRESSED_MAX_BYTES } from './arrow-compression.ts';
import { broken, type FlatTable } from './arrow-flatbuffer.ts';

const UNBACKED_ROWS_MAX = 1_048_576;

interface TypedArray<T> {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
}

export interface ArrowNode {
  readonly length: number;
  readonly nullCount: number;
}
/** Nodes and buffers in the order the fields of a schema need them. */
export interface ArrowParts {
  nextNode(): ArrowNode;
  nextBuffer(): Uint8Array;
  /** The data buffers of a view column. */
  nextVariadicBuffers(): readonly Uint8Array[];
}

/** The parts of columns without rows. */
export const NO_BUFFERS: ArrowParts = {
  nextNode: () => ({ length: 0, nullCount: 0 }),
  nextBuffer: () => new Uint8Array(0),
  nextVariadicBuffers: () => [],
};

/** The parts of one record batch. */
export class BatchCursor implements ArrowParts {
  readonly rows: number;
  private readonly nodes: readonly number[];
  private readonly buffers: readonly number[];
  private readonly variadicCounts: readonly number[];
  private readonly body: Uint8Array;
  private readonly decompressor: BufferDecompressor | undefined;
  private node = 0;
  private buffer = 0;
  private variadic = 0;

  constructor(batch: FlatTable, body: Uint8Array) {
    this.decompressor = BufferDecompressor.of(batch);
    this.rows = Number(batch.int64(0));
    const backingBytes = this.decompressor === undefined ? body.length : DECOMPRESSED_MAX_BYTES;
    if (this.rows < 0 || this.rows > Math.max(UNBACKED_ROWS_MAX, backingBytes * 8)) throw broken(`a batch of ${this.rows} rows in ${body.length} bytes`);
    this.nodes = batch.int64s(1, 2);
    this.buffers = batch.int64s(2, 2);
    this.variadicCounts = batch.int64s(4);
    this.body = body;
  }

  nextNode(): ArrowNode {
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
    const bytes = this.body.subarray(offset, offset + length);
    return this.decompressor?.read(bytes) ?? bytes;
  }

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
  // Not by `slice`, which of a Buffer is a view.
  const aligned = bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes.subarray(0, wanted));
  return new Type(aligned.buffer, aligned.byteOffset, count);
}

/** Bytes that belong to the reader, so that they may outlive their message. */
export function joined(one: Uint8Array, oneBytes: number, other: Uint8Array, otherBytes: number): Uint8Array {
  const out = new Uint8Array(oneBytes + otherBytes);
  out.set(one.subarray(0, oneBytes));
  out.set(other.subarray(0, otherBytes), oneBytes);
  return out;
}

/** A validity bitmap; undefined when every value is valid. */
export type Validity = Bits | undefined;

export function readValidity(bytes: Uint8Array, node: ArrowNode): Validity {
  if (node.nullCount > node.length) throw broken('more nulls than values');
  if (node.nullCount === 0) return undefined;
  if (bytes.length * 8 < node.length) throw broken('a validity bitmap that is too short');
  return bytes;
}

export function joinedBits(one: Validity, oneCount: number, other: Validity, otherCount: number): Validity {
  if (one === undefined && other === undefined) return undefined;
  const out = new Uint8Array(bytesOfBits(oneCount + otherCount)).fill(0xff);
  if (one !== undefined) out.set(sliceBits(one, 0, oneCount));
  for (let index = 0; index < otherCount; index++) {
    const at = oneCount + index;
    const bit = other === undefined ? 1 : (other[index >> 3]! >> (index & 7)) & 1;
    out[at >> 3] = (out[at >> 3]! & ~(1 << (at & 7))) | (bit << (at & 7));
  }
  return out;
}
