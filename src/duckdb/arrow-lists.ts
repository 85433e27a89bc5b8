import { VALUE_BYTES } from './arrow-budget.ts';
import { joinedBits, type Validity } from './arrow-buffers.ts';
import type { ArrowColumn, ChunkWriting } from './arrow-column.ts';
import { broken } from './arrow-flatbuffer.ts';
import type { Spans } from './arrow-spans.ts';
import { isSet, repeatBits } from './bits.ts';
import { arrayChild, growList, structChild, writeData, writeValidity, type Vector } from './raw-vector.ts';
import { validOf, type Rows } from './rows.ts';

const ENTRY_WORDS = 4;

/** Lists, by offsets or as views: a row's entry in DuckDB is where its items begin in the child vector, and how many. */
export class ListColumn<Items extends ArrowColumn = ArrowColumn> implements ArrowColumn {
  readonly length: number;
  readonly items: Items;
  readonly #spans: Spans;
  readonly #validity: Validity;

  constructor(length: number, spans: Spans, validity: Validity, items: Items) {
    this.length = length;
    this.items = items;
    this.#spans = spans;
    this.#validity = validity;
  }

  write(vector: Vector, rows: Rows, writing: ChunkWriting): void {
    writing.budget.take(rows.count * VALUE_BYTES);
    const valid = validOf(this.#validity, rows);
    if (rows.picks === undefined) this.#spans.window(rows.start, rows.count); // also what no row shows has to be right
    const { entries, total, next } = this.#entries(rows, valid);
    writing.budget.take(total * VALUE_BYTES);
    const child = growList(vector, total);
    writeData(vector, new Uint8Array(entries.buffer));
    writeValidity(vector, valid, rows.count);
    if (total > 0) this.items.write(child, next ?? this.#picked(rows, entries, total), writing);
  }

  identityOf(row: number): string | undefined {
    if (this.#validity !== undefined && !isSet(this.#validity, row)) return undefined;
    const begin = this.#spans.begin(row);
    return joinIdentities(Array.from({ length: this.#spans.size(row) }, (_none, index) => this.items.identityOf(begin + index)));
  }

  followedBy(next: ListColumn<Items>): ListColumn<Items> {
    const spans = this.#spans.followedBy(next.#spans, this.length, next.length);
    const validity = joinedBits(this.#validity, this.length, next.#validity, next.length);
    return new ListColumn(this.length + next.length, spans, validity, this.items.followedBy(next.items) as Items);
  }

  /** Where the items of the rows that have a value begin, and how many there are. */
  *spansOf(rows: Rows): Generator<{ readonly begin: number; readonly size: number }, void, void> {
    const valid = validOf(this.#validity, rows);
    for (let index = 0; index < rows.count; index++) {
      if (valid !== undefined && !isSet(valid, index)) continue;
      const row = rows.picks?.[index] ?? rows.start + index;
      yield { begin: this.#spans.begin(row), size: this.#spans.size(row) };
    }
  }

  /** `next`: the items as rows that follow each other, when they do; those of null rows are left out in any case. */
  #entries({ start, count, picks }: Rows, valid: Uint8Array | undefined): { entries: Int32Array; total: number; next: Rows | undefined } {
    const entries = new Int32Array(count * ENTRY_WORDS);
    let total = 0;
    let first = 0;
    let contiguous = true;
    for (let index = 0; index < count; index++) {
      if (valid !== undefined && !isSet(valid, index)) continue;
      const row = picks?.[index] ?? start + index;
      const size = this.#spans.size(row);
      if (size === 0) continue;
      const begin = this.#spans.begin(row);
      if (total === 0) first = begin;
      else if (begin !== first + total) contiguous = false;
      entries[index * ENTRY_WORDS] = total;
      entries[index * ENTRY_WORDS + 2] = size;
      total += size;
    }
    return { entries, total, next: contiguous ? { start: first, count: total } : undefined };
  }

  #picked({ start, count, picks }: Rows, entries: Int32Array, total: number): Rows {
    const items = new Int32Array(total);
    for (let index = 0; index < count; index++) {
      const at = entries[index * ENTRY_WORDS]!;
      const size = entries[index * ENTRY_WORDS + 2]!;
      const begin = this.#spans.begin(picks?.[index] ?? start + index);
      for (let item = 0; item < size; item++) items[at + item] = begin + item;
    }
    return { start: 0, count: total, picks: items };
  }
}

/** Lists of a fixed size: the items of all rows, null ones included, follow each other. */
export class FixedListColumn implements ArrowColumn {
  readonly length: number;
  readonly #size: number;
  readonly #validity: Validity;
  readonly #items: ArrowColumn;

  constructor(length: number, size: number, validity: Validity, items: ArrowColumn) {
    if (items.length < length * size) throw broken('a fixed-size list with too few items');
    this.length = length;
    this.#size = size;
    this.#validity = validity;
    this.#items = items;
  }

  write(vector: Vector, rows: Rows, writing: ChunkWriting): void {
    const size = this.#size;
    writing.budget.take(rows.count * VALUE_BYTES * size);
    const valid = validOf(this.#validity, rows);
    const items = {
      start: rows.start * size,
      count: rows.count * size,
      picks: rows.picks && Int32Array.from({ length: rows.count * size }, (_none, index) => rows.picks![Math.floor(index / size)]! * size + (index % size)),
      valid: valid && repeatBits(valid, rows.count, size),
    };
    this.#items.write(arrayChild(vector), items, writing);
    writeValidity(vector, valid, rows.count);
  }

  identityOf(row: number): string | undefined {
    if (this.#validity !== undefined && !isSet(this.#validity, row)) return undefined;
    return joinIdentities(Array.from({ length: this.#size }, (_none, index) => this.#items.identityOf(row * this.#size + index)));
  }

  followedBy(next: FixedListColumn): FixedListColumn {
    if (this.#items.length !== this.length * this.#size) throw broken('a fixed-size list with too many items in a dictionary that is added to');
    const validity = joinedBits(this.#validity, this.length, next.#validity, next.length);
    return new FixedListColumn(this.length + next.length, this.#size, validity, this.#items.followedBy(next.#items));
  }
}

/** Structs: each field is a column of its own, null wherever the struct is. */
export class StructColumn implements ArrowColumn {
  readonly length: number;
  readonly #validity: Validity;
  readonly #fields: readonly ArrowColumn[];

  constructor(length: number, validity: Validity, fields: readonly ArrowColumn[]) {
    if (fields.some((field) => field.length < length)) throw broken('a struct with too few values');
    this.length = length;
    this.#validity = validity;
    this.#fields = fields;
  }

  write(vector: Vector, rows: Rows, writing: ChunkWriting): void {
    writing.budget.take(rows.count * VALUE_BYTES);
    const valid = validOf(this.#validity, rows);
    this.#fields.forEach((field, index) => field.write(structChild(vector, index), { ...rows, valid }, writing));
    writeValidity(vector, valid, rows.count);
  }

  identityOf(row: number): string | undefined {
    return this.fieldsAt(row) && joinIdentities(this.#fields.map((field) => field.identityOf(row)));
  }

  /** The fields, unless the row is null. */
  fieldsAt(row: number): readonly ArrowColumn[] | undefined {
    return this.#validity !== undefined && !isSet(this.#validity, row) ? undefined : this.#fields;
  }

  followedBy(next: StructColumn): StructColumn {
    if (this.#fields.some((field) => field.length !== this.length)) throw broken('a struct with too many values in a dictionary that is added to');
    const validity = joinedBits(this.#validity, this.length, next.#validity, next.length);
    return new StructColumn(
      this.length + next.length,
      validity,
      this.#fields.map((field, index) => field.followedBy(next.#fields[index]!)),
    );
  }
}

function joinIdentities(identities: readonly (string | undefined)[]): string {
  return identities.map((identity) => (identity === undefined ? 'n' : `${identity.length}:${identity}`)).join();
}
