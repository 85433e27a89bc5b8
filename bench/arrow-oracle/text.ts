import { isAscii, isUtf8 } from 'node:buffer';
import { DuckDBBlobValue, type DuckDBValue } from '@duckdb/node-api';
import { VALUE_BYTES } from '../../src/duckdb/arrow-budget.ts';
import { typed, type Validity } from '../../src/duckdb/arrow-buffers.ts';
import { nullsIn, readOffsets, rows, type NullMask, type ReadValues } from './window.ts';
import { broken } from '../../src/duckdb/arrow-flatbuffer.ts';
import type { OffsetWidth } from '../../src/duckdb/arrow-schema.ts';

const VIEW_BYTES = 16;
const INLINE_BYTES_MAX = 12;

/** Strings or binaries behind offsets. UTF-8 is checked before DuckDB sees a byte: it would not survive a bad one. */
export function textOrBytes(
  kind: 'utf8' | 'binary',
  width: OffsetWidth,
  offsetBytes: Uint8Array,
  data: Uint8Array,
  length: number,
  validity: Validity,
): ReadValues {
  const offsetsOf = readOffsets(offsetBytes, width, length, data.length);
  return (start, count, parents, budget) => {
    const nulls = nullsIn(validity, start, count, parents);
    const offsets = offsetsOf(start, count);
    const heap = data.subarray(offsets[0], offsets[offsets.length - 1]);
    budget.take(count * VALUE_BYTES + heap.length);
    return kind === 'utf8' ? texts(heap, offsets, count, nulls) : blobs(heap, offsets, count, nulls);
  };
}

function blobs(heap: Uint8Array, offsets: ArrayLike<number>, count: number, nulls: NullMask): DuckDBValue[] {
  const base = offsets[0]!;
  return rows(count, nulls, (row) => new DuckDBBlobValue(heap.subarray(offsets[row]! - base, offsets[row + 1]! - base)));
}

function texts(heap: Uint8Array, offsets: ArrayLike<number>, count: number, nulls: NullMask): DuckDBValue[] {
  const base = offsets[0]!;
  const bytes = Buffer.from(heap.buffer, heap.byteOffset, heap.length);
  if (isAscii(bytes)) {
    const all = bytes.toString('latin1');
    return rows(count, nulls, (row) => all.slice(offsets[row]! - base, offsets[row + 1]! - base));
  }
  const whole = isUtf8(bytes) && !cutsCharacter(bytes, offsets);
  return rows(count, nulls, (row) => {
    const from = offsets[row]! - base;
    const to = offsets[row + 1]! - base;
    return whole ? bytes.toString('utf8', from, to) : checkedText(bytes.subarray(from, to));
  });
}

function cutsCharacter(heap: Uint8Array, offsets: ArrayLike<number>): boolean {
  const base = offsets[0]!;
  for (let index = 0; index < offsets.length; index++) {
    const byte = heap[offsets[index]! - base];
    if (byte !== undefined && (byte & 0xc0) === 0x80) return true;
  }
  return false;
}

function checkedText(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw broken('a string that is not UTF-8');
  return bytes.toString('utf8');
}

/** Strings or binaries as views: short ones lie in the view, longer ones in one of the data buffers. */
export function textOrBytesViews(kind: 'utf8' | 'binary', viewBytes: Uint8Array, data: readonly Uint8Array[], length: number, validity: Validity): ReadValues {
  const views = typed(viewBytes, Uint8Array, length * VIEW_BYTES);
  const fields = new DataView(views.buffer, views.byteOffset, views.byteLength);
  const bytesAt = (view: number): Buffer => {
    const size = fields.getInt32(view, true);
    const inline = size <= INLINE_BYTES_MAX;
    const source = inline ? views : data[fields.getInt32(view + 8, true)];
    const from = inline ? view + 4 : fields.getInt32(view + 12, true);
    if (size < 0 || from < 0 || source === undefined || from + size > source.length) throw broken('a view outside of its data');
    return Buffer.from(source.buffer, source.byteOffset + from, size);
  };
  return (start, count, parents, budget) => {
    budget.take(count * VALUE_BYTES);
    return rows(count, nullsIn(validity, start, count, parents), (row) => {
      const bytes = bytesAt((start + row) * VIEW_BYTES);
      budget.take(bytes.length);
      return kind === 'utf8' ? checkedText(bytes) : new DuckDBBlobValue(bytes);
    });
  };
}
