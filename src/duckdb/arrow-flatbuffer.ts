import { isUtf8 } from 'node:buffer';
import { InvalidArrow } from '../domain/errors.ts';

/**
 * One table of a flatbuffer. Every position is checked before it is used: a `DataView` refuses reads outside its
 * bytes, and a vector's length must fit into what is left, so nothing a hostile buffer claims is ever allocated.
 */
export class FlatTable {
  private readonly view: DataView;
  private readonly position: number;
  private readonly vtable: number;
  private readonly vtableBytes: number;

  private constructor(view: DataView, position: number) {
    this.view = view;
    this.position = position;
    this.vtable = position - view.getInt32(position, true);
    this.vtableBytes = view.getUint16(this.vtable, true);
    if (this.vtableBytes < 4 || this.vtable + this.vtableBytes > view.byteLength) throw broken('a table without a valid layout');
  }

  static root(bytes: Uint8Array): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new FlatTable(view, view.getUint32(0, true));
  }

  int8(slot: number, otherwise = 0): number {
    const at = this.at(slot);
    return at === 0 ? otherwise : this.view.getUint8(at);
  }

  int16(slot: number, otherwise = 0): number {
    const at = this.at(slot);
    return at === 0 ? otherwise : this.view.getInt16(at, true);
  }

  int32(slot: number, otherwise = 0): number {
    const at = this.at(slot);
    return at === 0 ? otherwise : this.view.getInt32(at, true);
  }

  int64(slot: number, otherwise = 0n): bigint {
    const at = this.at(slot);
    return at === 0 ? otherwise : this.view.getBigInt64(at, true);
  }

  bool(slot: number): boolean {
    return this.int8(slot) !== 0;
  }

  table(slot: number): FlatTable | undefined {
    const at = this.at(slot);
    return at === 0 ? undefined : new FlatTable(this.view, this.follow(at));
  }

  text(slot: number): string | undefined {
    const at = this.at(slot);
    if (at === 0) return undefined;
    const start = this.follow(at);
    const length = this.view.getUint32(start, true);
    if (start + 4 + length > this.view.byteLength) throw broken('a text that ends outside of its message');
    const bytes = Buffer.from(this.view.buffer, this.view.byteOffset + start + 4, length);
    if (!isUtf8(bytes)) throw broken('a text that is not UTF-8');
    return bytes.toString('utf8');
  }

  tables(slot: number): FlatTable[] {
    const { start, length } = this.vector(slot, 4);
    return Array.from({ length }, (_none, index) => new FlatTable(this.view, this.follow(start + index * 4)));
  }

  /** A vector of 64-bit integers; structs of two such integers come flattened, with `width` 2. */
  int64s(slot: number, width = 1): number[] {
    const { start, length } = this.vector(slot, 8 * width);
    return Array.from({ length: length * width }, (_none, index) => exact(this.view.getBigInt64(start + index * 8, true)));
  }

  private vector(slot: number, itemBytes: number): { start: number; length: number } {
    const at = this.at(slot);
    if (at === 0) return { start: 0, length: 0 };
    const start = this.follow(at);
    const length = this.view.getUint32(start, true);
    if (start + 4 + length * itemBytes > this.view.byteLength) throw broken('a list that ends outside of its message');
    return { start: start + 4, length };
  }

  private at(slot: number): number {
    const entry = 4 + slot * 2;
    if (entry + 2 > this.vtableBytes) return 0;
    const offset = this.view.getUint16(this.vtable + entry, true);
    return offset === 0 ? 0 : this.position + offset;
  }

  private follow(at: number): number {
    return at + this.view.getUint32(at, true);
  }
}

/** A length or offset as a number; 64-bit ones that no buffer can have are refused. */
export function exact(value: bigint): number {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) throw broken(`a length of ${value}`);
  return Number(value);
}

export function broken(what: string, options?: ErrorOptions): InstanceType<typeof InvalidArrow> {
  return new InvalidArrow(`The body is not a valid Arrow stream: it has ${what}`, {}, options);
}

/** Runs a decoder; what a hostile buffer makes it throw outside of our own errors (`RangeError`) becomes `invalid_arrow`. */
export function decoding<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof RangeError) throw broken('positions outside of its buffers', { cause: error });
    throw error;
  }
}
