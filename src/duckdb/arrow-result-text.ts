import { DuckDBVector, type DuckDBType } from '@duckdb/node-api';
import { Offsets, Validities, type BatchParts } from './arrow-batch-parts.ts';
import { Growing } from './arrow-growing.ts';
import { outOfRange, type ResultColumn } from './arrow-result-column.ts';
import { isSet, type Bits } from './bits.ts';
import { copyBytes } from './copy-bytes.ts';
import { readData, readValidity, type Vector } from './raw-vector.ts';
import { validOf, type Rows } from './rows.ts';
import { ENTRY_BYTES } from './string-entries.ts';
import { StringSources } from './string-sources.ts';
import { textEncoder } from './value-text.ts';

const HEAP_MAX_BYTES = 2 ** 30;

/** Texts of a column, one behind the other. */
class TextHeap {
  readonly #valid = new Validities();
  readonly #offsets = new Offsets();
  readonly #bytes = new Growing(Uint8Array);
  readonly #path: string;

  /** @param path names the column in errors */
  constructor(path: string) {
    this.#path = path;
  }

  get bytes(): number {
    return this.#bytes.length + this.#offsets.bytes;
  }

  /**
   * Makes room for the rows' texts.
   * @param ends where each ends, a zero first
   * @returns the memory they go into, and where they begin there
   */
  extend(valid: Bits | undefined, count: number, ends: Float64Array): { readonly items: Uint8Array; readonly at: number } {
    if (this.#bytes.length + ends[count]! > HEAP_MAX_BYTES) throw outOfRange(this.#path, `2,048 rows of it take more than ${HEAP_MAX_BYTES} bytes`);
    this.#valid.append(valid, count);
    this.#offsets.append(ends, count);
    const at = this.#bytes.extend(ends[count]!); // may move `items`
    return { items: this.#bytes.items, at };
  }

  take(parts: BatchParts): void {
    this.#valid.take(parts);
    parts.buffers.push(this.#offsets.take(), this.#bytes.take());
  }
}

/** VARCHAR and BLOB: copied from where DuckDB's entries point to. */
export class TextResult implements ResultColumn {
  readonly #heap: TextHeap;
  #sources = new StringSources(new Uint8Array(0));
  #validity: Bits | undefined;

  constructor(path: string) {
    this.#heap = new TextHeap(path);
  }

  get bytes(): number {
    return this.#heap.bytes;
  }

  open(vector: Vector, size: number): void {
    this.#sources = new StringSources(readData(vector, size * ENTRY_BYTES));
    this.#validity = readValidity(vector, size);
  }

  append(rows: Rows): void {
    const valid = validOf(this.#validity, rows);
    const ends = this.#sources.ends(rows, valid);
    const { items, at } = this.#heap.extend(valid, rows.count, ends);
    this.#sources.copy(rows, ends, items, at);
  }

  take(parts: BatchParts): void {
    this.#heap.take(parts);
  }
}

/** ENUM: texts by their number. */
export class EnumResult implements ResultColumn {
  readonly #heap: TextHeap;
  readonly #texts: readonly Uint8Array[];
  readonly #Codes: typeof Uint8Array | typeof Uint16Array | typeof Uint32Array;
  #codes: Uint8Array | Uint16Array | Uint32Array = new Uint8Array(0);
  #validity: Bits | undefined;

  /** @param texts by their code, which takes as many bytes as their number asks for */
  constructor(texts: readonly string[], path: string) {
    this.#heap = new TextHeap(path);
    this.#texts = texts.map((text) => Buffer.from(text, 'utf8'));
    this.#Codes = texts.length <= 256 ? Uint8Array : texts.length <= 65_536 ? Uint16Array : Uint32Array;
  }

  get bytes(): number {
    return this.#heap.bytes;
  }

  open(vector: Vector, size: number): void {
    const data = readData(vector, size * this.#Codes.BYTES_PER_ELEMENT);
    this.#codes = new this.#Codes(data.buffer as ArrayBuffer, data.byteOffset, size);
    this.#validity = readValidity(vector, size);
  }

  append(rows: Rows): void {
    const { start, count, picks } = rows;
    const valid = validOf(this.#validity, rows);
    const ends = new Float64Array(count + 1);
    const texts: (Uint8Array | undefined)[] = [];
    for (let index = 0; index < count; index++) {
      const text = valid === undefined || isSet(valid, index) ? this.#texts[this.#codes[picks === undefined ? start + index : picks[index]!]!] : undefined;
      texts.push(text);
      ends[index + 1] = ends[index]! + (text?.length ?? 0);
    }
    const { items, at } = this.#heap.extend(valid, count, ends);
    texts.forEach((text, index) => text && copyBytes(text, 0, text.length, items, at + ends[index]!));
  }

  take(parts: BatchParts): void {
    this.#heap.take(parts);
  }
}

/** Types that Arrow has no counterpart for, by the text of each value. */
export class ValueTextResult implements ResultColumn {
  readonly #heap: TextHeap;
  readonly #type: DuckDBType;
  readonly #text: ReturnType<typeof textEncoder>;
  #vector: DuckDBVector | undefined;
  #validity: Bits | undefined;

  constructor(type: DuckDBType, path: string) {
    this.#heap = new TextHeap(path);
    this.#type = type;
    this.#text = textEncoder(type);
  }

  get bytes(): number {
    return this.#heap.bytes;
  }

  open(vector: Vector, size: number): void {
    this.#vector = DuckDBVector.create(vector, size, this.#type);
    this.#validity = readValidity(vector, size);
  }

  append(rows: Rows): void {
    const { start, count, picks } = rows;
    const valid = validOf(this.#validity, rows);
    const ends = new Float64Array(count + 1);
    const texts: Buffer[] = [];
    for (let index = 0; index < count; index++) {
      ends[index + 1] = ends[index]!;
      if (valid !== undefined && !isSet(valid, index)) continue;
      const text = Buffer.from(this.#text(this.#vector!.getItem(picks === undefined ? start + index : picks[index]!)!), 'utf8');
      texts.push(text);
      ends[index + 1]! += text.length;
    }
    const { items, at } = this.#heap.extend(valid, count, ends);
    items.set(Buffer.concat(texts), at);
  }

  take(parts: BatchParts): void {
    this.#heap.take(parts);
  }
}
