import { isAscii, isUtf8 } from 'node:buffer';
import { broken } from './arrow-flatbuffer.ts';
import { isSet, type Bits } from './bits.ts';
import type { StringHeap } from './string-heap.ts';

/** `duckdb_string_t`: the length, then up to 12 bytes, or 4 of them and an address. */
export const ENTRY_BYTES = 16;
export const INLINE_BYTES_MAX = 12;
const ENTRY_WORDS = 4;
const HIGH_WORD = 2 ** 32;

/** Strings that follow each other: the bytes of row n are those from offset n to offset n + 1. */
export interface Strings {
  readonly data: Uint8Array;
  /** Ascending and inside `data`; one more than there are rows. */
  readonly offsets: Int32Array;
}

/**
 * Entries of the strings in `out`, all zeros where there is none; long strings are copied to the heap at once, and the
 * entries point there.
 * @throws InvalidArrow for text that is not UTF-8
 */
export function stringEntries(strings: Strings, valid: Bits | undefined, isText: boolean, heap: StringHeap, out: Uint8Array): Uint8Array {
  const { data, offsets } = strings;
  const first = offsets[0]!;
  const bytes = data.subarray(first, offsets[offsets.length - 1]);
  if (isText) checkText(bytes, offsets, valid);
  const base = bytes.length > INLINE_BYTES_MAX ? heap.hold(bytes) : 0;
  const low = base % HIGH_WORD;
  const high = (base - low) / HIGH_WORD;
  const words = new Uint32Array(out.buffer, out.byteOffset, out.byteLength / 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rows = offsets.length - 1;
  let end = 0;
  for (let row = 0; row < rows; row++) {
    const at = end;
    end = offsets[row + 1]! - first;
    const size = valid === undefined || isSet(valid, row) ? end - at : 0;
    const word = row * ENTRY_WORDS;
    words[word] = size;
    if (size > INLINE_BYTES_MAX) {
      words[word + 1] = view.getUint32(at, true);
      words[word + 2] = low + at; // stored modulo 2^32
      words[word + 3] = low + at < HIGH_WORD ? high : high + 1;
    } else {
      words[word + 1] = wordAt(view, at, size);
      words[word + 2] = wordAt(view, at + 4, size - 4);
      words[word + 3] = wordAt(view, at + 8, size - 8);
    }
  }
  return out;
}

/** Four bytes, zeros behind the last: DuckDB compares short strings by whole words. */
function wordAt(view: DataView, at: number, bytes: number): number {
  if (bytes >= 4) return view.getUint32(at, true);
  let word = 0;
  for (let index = 0; index < bytes; index++) word |= view.getUint8(at + index) << (index * 8);
  return word;
}

function checkText(bytes: Uint8Array, offsets: Int32Array, valid: Bits | undefined): void {
  if (isAscii(bytes) || (isUtf8(bytes) && !cutsCharacter(bytes, offsets))) return;
  // What is behind a null may be anything, so each string is asked.
  const first = offsets[0]!;
  for (let row = 0; row < offsets.length - 1; row++) {
    if (valid !== undefined && !isSet(valid, row)) continue;
    if (!isUtf8(bytes.subarray(offsets[row]! - first, offsets[row + 1]! - first))) throw broken('a string that is not UTF-8');
  }
}

function cutsCharacter(bytes: Uint8Array, offsets: Int32Array): boolean {
  const first = offsets[0]!;
  for (let index = 0; index < offsets.length; index++) {
    const byte = bytes[offsets[index]! - first];
    if (byte !== undefined && (byte & 0xc0) === 0x80) return true;
  }
  return false;
}
