import { VALUE_BYTES } from './arrow-budget.ts';
import { joined, joinedBits, readValidity, typed, type ArrowNode, type ArrowParts, type Validity } from './arrow-buffers.ts';
import type { ArrowColumn, ChunkWriting } from './arrow-column.ts';
import { broken } from './arrow-flatbuffer.ts';
import type { ArrowField } from './arrow-schema.ts';
import { Spans } from './arrow-spans.ts';
import { isSet } from './bits.ts';
import { copyBytes } from './copy-bytes.ts';
import { writeData, writeValidity, type Vector } from './raw-vector.ts';
import { validOf, type Rows } from './rows.ts';
import { ENTRY_BYTES, stringEntries, type Strings } from './string-entries.ts';

/** Where the bytes of strings lie. */
interface Source {
  /** How many bytes the row's string has, checked to lie inside. */
  size(row: number): number;
  /** Copies the row's bytes; only after `size` was asked for. */
  copy(row: number, into: Uint8Array, at: number): void;
  /** Rows that follow each other, when their strings do too. */
  window(start: number, count: number): Strings | undefined;
}

/** Strings or binaries, of whatever encoding. UTF-8 is checked before DuckDB sees a byte: it would not survive a bad one. */
export class TextColumn implements ArrowColumn {
  readonly length: number;
  readonly #source: Source;
  readonly #validity: Validity;
  readonly #isText: boolean;

  constructor(length: number, source: Source, validity: Validity, isText: boolean) {
    this.length = length;
    this.#source = source;
    this.#validity = validity;
    this.#isText = isText;
  }

  static open({ type }: ArrowField, node: ArrowNode, parts: ArrowParts): TextColumn {
    const validity = readValidity(parts.nextBuffer(), node);
    const isText = type.kind === 'utf8';
    if (type.kind === 'fixedBinary') return new TextColumn(node.length, fixedSize(parts.nextBuffer(), type.bytes, node.length), validity, isText);
    if (type.kind !== 'utf8' && type.kind !== 'binary') throw broken(`strings of the type ${type.kind}`);
    if (type.offsets === 'view') return new TextColumn(node.length, views(parts.nextBuffer(), parts.nextVariadicBuffers(), node.length), validity, isText);
    const offsets = parts.nextBuffer();
    const data = parts.nextBuffer();
    return new TextColumn(node.length, spanned(Spans.ofOffsets(offsets, type.offsets, node.length, data.length), data), validity, isText);
  }

  write(vector: Vector, rows: Rows, writing: ChunkWriting): void {
    const valid = validOf(this.#validity, rows);
    writeData(vector, this.entries({ ...rows, valid }, writing));
    writeValidity(vector, valid, rows.count);
  }

  /** The rows as DuckDB's 16-byte entries, whose long strings lie in the heap. @param rows `valid` is also their own */
  entries(rows: Rows, { budget, heap, picked, converted }: ChunkWriting): Uint8Array {
    budget.take(rows.count * VALUE_BYTES);
    let strings = rows.picks === undefined ? this.#source.window(rows.start, rows.count) : undefined;
    if (strings !== undefined) budget.take(strings.offsets[rows.count]! - strings.offsets[0]!);
    strings ??= this.#gather(rows, (bytes) => {
      budget.take(bytes);
      return picked.take(bytes);
    });
    return stringEntries(strings, rows.valid, this.#isText, heap, converted.take(rows.count * ENTRY_BYTES));
  }

  get validity(): Validity {
    return this.#validity;
  }

  sizeOf(row: number): number {
    return this.#validity === undefined || isSet(this.#validity, row) ? this.#source.size(row) : 0;
  }

  identityOf(row: number): string | undefined {
    if (this.#validity !== undefined && !isSet(this.#validity, row)) return undefined;
    const bytes = Buffer.allocUnsafe(this.#source.size(row));
    this.#source.copy(row, bytes, 0);
    return bytes.toString('latin1');
  }

  followedBy(next: TextColumn): TextColumn {
    const one = this.#own();
    const other = next.#own();
    const oneBytes = one.offsets[this.length]!;
    const otherBytes = other.offsets[next.length]!;
    const offsets = new Int32Array(this.length + next.length + 1);
    offsets.set(one.offsets);
    offsets.set(
      other.offsets.map((offset) => oneBytes + offset),
      this.length,
    );
    const data = joined(one.data, oneBytes, other.data, otherBytes);
    const spans = Spans.ofOffsets(new Uint8Array(offsets.buffer), 4, this.length + next.length, data.length);
    return new TextColumn(this.length + next.length, spanned(spans, data), joinedBits(this.#validity, this.length, next.#validity, next.length), this.#isText);
  }

  #own(): Strings {
    return this.#gather({ start: 0, count: this.length, valid: this.#validity }, (bytes) => new Uint8Array(bytes));
  }

  /** Copies the rows' strings so that they follow each other. */
  #gather({ start, count, picks, valid }: Rows, take: (bytes: number) => Uint8Array): Strings {
    const offsets = new Int32Array(count + 1);
    let bytes = 0;
    for (let index = 0; index < count; index++) {
      if (valid === undefined || isSet(valid, index)) bytes += this.#source.size(picks?.[index] ?? start + index);
      if (bytes > 2 ** 31 - 1) take(bytes); // always above the budget
      offsets[index + 1] = bytes;
    }
    const data = take(bytes);
    for (let index = 0; index < count; index++) {
      if (offsets[index] !== offsets[index + 1]) this.#source.copy(picks?.[index] ?? start + index, data, offsets[index]!);
    }
    return { data, offsets };
  }
}

function spanned(spans: Spans, data: Uint8Array): Source {
  return {
    size: (row) => spans.size(row),
    copy: (row, into, at) => copyBytes(data, spans.begin(row), spans.size(row), into, at),
    window: (start, count) => {
      const offsets = spans.window(start, count);
      return offsets && { data, offsets };
    },
  };
}

function fixedSize(data: Uint8Array, size: number, length: number): Source {
  if (data.length < size * length) throw broken(`a buffer of ${data.length} bytes for ${length} values`);
  return {
    size: () => size,
    copy: (row, into, at) => copyBytes(data, row * size, size, into, at),
    window: (start, count) => ({ data, offsets: Int32Array.from({ length: count + 1 }, (_none, index) => (start + index) * size) }),
  };
}

const VIEW_BYTES = 16;
const INLINE_BYTES_MAX = 12;

/** Short ones lie in the view, longer ones in one of the data buffers. */
function views(viewBytes: Uint8Array, data: readonly Uint8Array[], length: number): Source {
  const bytes = typed(viewBytes, Uint8Array, length * VIEW_BYTES);
  const fields = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const begin = (row: number, size: number): number => (size <= INLINE_BYTES_MAX ? row * VIEW_BYTES + 4 : fields.getInt32(row * VIEW_BYTES + 12, true));
  const sourceOf = (row: number, size: number): Uint8Array | undefined =>
    size <= INLINE_BYTES_MAX ? bytes : data[fields.getInt32(row * VIEW_BYTES + 8, true)];
  return {
    size: (row) => {
      const size = fields.getInt32(row * VIEW_BYTES, true);
      const from = begin(row, size);
      const source = sourceOf(row, size);
      if (size < 0 || from < 0 || source === undefined || from + size > source.length) throw broken('a view outside of its data');
      return size;
    },
    copy: (row, into, at) => {
      const size = fields.getInt32(row * VIEW_BYTES, true);
      copyBytes(sourceOf(row, size)!, begin(row, size), size, into, at);
    },
    window: () => undefined,
  };
}
