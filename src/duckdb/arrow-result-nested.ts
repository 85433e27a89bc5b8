import { Internal } from '../domain/errors.ts';
import { Offsets, Validities, type BatchParts } from './arrow-batch-parts.ts';
import type { ResultColumn } from './arrow-result-column.ts';
import { EnumResult } from './arrow-result-text.ts';
import { bytesOfBits, isSet, type Bits } from './bits.ts';
import { fixedItems, ItemRows, type ItemSpans } from './item-rows.ts';
import { arrayChild, listChild, readData, readValidity, structChild, type Vector } from './raw-vector.ts';
import { validOf, type Rows } from './rows.ts';

const LIST_ENTRY_BYTES = 16;
const LIST_ENTRY_WORDS = 4;

/** Lists, and maps, which are lists of key and value. */
export class ListResult implements ResultColumn {
  readonly #items: ResultColumn;
  readonly #valid = new Validities();
  readonly #offsets = new Offsets();
  #spans: ItemSpans | undefined;
  #validity: Bits | undefined;

  constructor(items: ResultColumn) {
    this.#items = items;
  }

  get bytes(): number {
    return this.#items.bytes + this.#offsets.bytes;
  }

  open(vector: Vector, size: number): void {
    const { items, size: itemCount } = listChild(vector);
    this.#items.open(items, itemCount);
    this.#spans = listSpans(readData(vector, size * LIST_ENTRY_BYTES), itemCount);
    this.#validity = readValidity(vector, size);
  }

  append(rows: Rows): void {
    const valid = validOf(this.#validity, rows);
    const itemRows = new ItemRows(rows, valid, this.#spans!);
    this.#valid.append(valid, rows.count);
    this.#offsets.append(itemRows.ends, rows.count);
    if (itemRows.total > 0) this.#items.append(itemRows.items());
  }

  take(parts: BatchParts): void {
    this.#valid.take(parts);
    parts.buffers.push(this.#offsets.take());
    this.#items.take(parts);
  }
}

/** Entries are two 64-bit integers, where a row's items begin and how many there are; a chunk's items fit 31 bits. */
function listSpans(entries: Uint8Array, itemCount: number): ItemSpans {
  const words = new Uint32Array(entries.buffer, entries.byteOffset, entries.byteLength / 4);
  return {
    begin: (row) => words[row * LIST_ENTRY_WORDS]!,
    size: (row) => {
      const size = words[row * LIST_ENTRY_WORDS + 2]!;
      if (size > 0 && words[row * LIST_ENTRY_WORDS]! + size > itemCount) throw new Internal('A list of a result lies outside of its items');
      return size;
    },
  };
}

/** Lists of a fixed size. */
export class FixedListResult implements ResultColumn {
  readonly #items: ResultColumn;
  readonly #size: number;
  readonly #valid = new Validities();
  #validity: Bits | undefined;

  constructor(items: ResultColumn, size: number) {
    this.#items = items;
    this.#size = size;
  }

  get bytes(): number {
    return this.#items.bytes;
  }

  open(vector: Vector, size: number): void {
    this.#items.open(arrayChild(vector), size * this.#size);
    this.#validity = readValidity(vector, size);
  }

  append(rows: Rows): void {
    const valid = validOf(this.#validity, rows);
    this.#valid.append(valid, rows.count);
    this.#items.append(fixedItems(rows, valid, this.#size));
  }

  take(parts: BatchParts): void {
    this.#valid.take(parts);
    this.#items.take(parts);
  }
}

/** Structs: each field is a column of its own, null wherever the struct is. */
export class StructResult implements ResultColumn {
  readonly #fields: readonly ResultColumn[];
  readonly #valid = new Validities();
  #validity: Bits | undefined;

  constructor(fields: readonly ResultColumn[]) {
    this.#fields = fields;
  }

  get bytes(): number {
    return this.#valid.length / 8 + this.#fields.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  open(vector: Vector, size: number): void {
    this.#fields.forEach((field, index) => field.open(structChild(vector, index), size));
    this.#validity = readValidity(vector, size);
  }

  append(rows: Rows): void {
    const valid = validOf(this.#validity, rows);
    this.#valid.append(valid, rows.count);
    for (const field of this.#fields) field.append({ ...rows, valid });
  }

  take(parts: BatchParts): void {
    this.#valid.take(parts);
    for (const field of this.#fields) field.take(parts);
  }
}

/** Unions, which are structs of a tag and a field for each member here and there: null where the tag is. */
export class UnionResult implements ResultColumn {
  readonly #tag: EnumResult;
  readonly #members: readonly ResultColumn[];
  readonly #valid = new Validities();
  #tags: Uint8Array = new Uint8Array(0);
  #validity: Bits | undefined;
  #tagValidity: Bits | undefined;

  constructor(tags: readonly string[], members: readonly ResultColumn[], path: string) {
    this.#tag = new EnumResult(tags, path);
    this.#members = members;
  }

  get bytes(): number {
    return this.#valid.length / 8 + this.#tag.bytes + this.#members.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  open(vector: Vector, size: number): void {
    const tags = structChild(vector, 0);
    this.#tag.open(tags, size);
    this.#members.forEach((member, index) => member.open(structChild(vector, index + 1), size));
    this.#tags = readData(tags, size);
    this.#validity = readValidity(vector, size);
    this.#tagValidity = readValidity(tags, size);
  }

  append(rows: Rows): void {
    const valid = validOf(this.#tagValidity, { ...rows, valid: validOf(this.#validity, rows) });
    this.#valid.append(valid, rows.count);
    this.#tag.append({ ...rows, valid });
    this.#members.forEach((member, index) => member.append({ ...rows, valid: this.#tagged(rows, valid, index) }));
  }

  take(parts: BatchParts): void {
    this.#valid.take(parts);
    this.#tag.take(parts);
    for (const member of this.#members) member.take(parts);
  }

  #tagged({ start, count, picks }: Rows, valid: Bits | undefined, tag: number): Bits {
    const tagged = new Uint8Array(bytesOfBits(count));
    for (let index = 0; index < count; index++) {
      if (valid !== undefined && !isSet(valid, index)) continue;
      if (this.#tags[picks === undefined ? start + index : picks[index]!] === tag) tagged[index >> 3]! |= 1 << (index & 7);
    }
    return tagged;
  }
}
