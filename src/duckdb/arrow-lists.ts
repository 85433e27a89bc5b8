import { VALUE_BYTES } from './arrow-budget.ts';
import { joinedBits, type Validity } from './arrow-buffers.ts';
import type { ArrowColumn, ChunkWriting } from './arrow-column.ts';
import { broken } from './arrow-flatbuffer.ts';
import type { Spans } from './arrow-spans.ts';
import { isSet } from './bits.ts';
import { fixedItems, ItemRows } from './item-rows.ts';
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
    const itemRows = new ItemRows(rows, valid, this.#spans);
    const { total } = itemRows;
    writing.budget.take(total * VALUE_BYTES);
    const child = growList(vector, total);
    writeData(vector, entriesOf(itemRows.ends, rows.count));
    writeValidity(vector, valid, rows.count);
    if (total > 0) this.items.write(child, itemRows.items(), writing);
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
}

function entriesOf(ends: Int32Array, count: number): Uint8Array {
  const entries = new Int32Array(count * ENTRY_WORDS);
  for (let row = 0; row < count; row++) {
    entries[row * ENTRY_WORDS] = ends[row]!;
    entries[row * ENTRY_WORDS + 2] = ends[row + 1]! - ends[row]!;
  }
  return new Uint8Array(entries.buffer);
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
    this.#items.write(arrayChild(vector), fixedItems(rows, valid, size), writing);
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
