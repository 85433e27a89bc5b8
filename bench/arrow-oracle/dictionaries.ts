import { DuckDBArrayValue, DuckDBBlobValue, DuckDBListValue, DuckDBMapValue, DuckDBStructValue, type DuckDBValue } from '@duckdb/node-api';
import { PayloadTooLarge } from '../../src/domain/errors.ts';
import { DecodeBudget, VALUE_BYTES } from '../../src/duckdb/arrow-budget.ts';
import { BatchCursor, typed, type Validity } from '../../src/duckdb/arrow-buffers.ts';
import { openColumn, type ArrowColumn } from './columns.ts';
import { nullsIn, rows, type ReadValues } from './window.ts';
import { broken, type FlatTable } from '../../src/duckdb/arrow-flatbuffer.ts';
import type { ArrowField, DictionaryEncoding } from '../../src/duckdb/arrow-schema.ts';
import { arrowTypeText } from '../../src/duckdb/type-map.ts';

interface Dictionary {
  readonly values: ArrowField;
  /** One column, and one more for each delta. */
  parts: { readonly column: ArrowColumn; readonly bytes: number }[];
  decoded: { readonly values: DuckDBValue[]; readonly costs: Float64Array } | 'underway' | undefined;
}

const INDICES = {
  s8: Int8Array,
  s16: Int16Array,
  s32: Int32Array,
  s64: BigInt64Array,
  u8: Uint8Array,
  u16: Uint16Array,
  u32: Uint32Array,
  u64: BigUint64Array,
} as const;

/** The dictionaries of one stream, replaced and added to as its messages say; decoded when first used. */
export class Dictionaries {
  private readonly byId = new Map<bigint, Dictionary>();
  private readonly maxBytes: number;

  /** `maxBytes` bounds what all dictionaries take together, encoded, and what one of them takes decoded. */
  constructor(fields: readonly ArrowField[], maxBytes: number) {
    this.maxBytes = maxBytes;
    fields.forEach((field) => this.register(field));
  }

  /** Takes a dictionary batch: a delta adds to the dictionary of its id, any other replaces it. */
  accept(batch: FlatTable, body: Uint8Array): void {
    const dictionary = this.byId.get(batch.int64(0));
    const data = batch.table(1);
    if (dictionary === undefined || data === undefined) throw broken('a dictionary that no column uses');
    const cursor = new BatchCursor(data, body);
    const column = openColumn(dictionary.values, cursor, this);
    cursor.finish();
    const part = { column, bytes: body.length + column.length * VALUE_BYTES };
    dictionary.parts = batch.bool(2) ? [...dictionary.parts, part] : [part];
    for (const each of this.byId.values()) each.decoded = undefined; // one may be nested in another
    const held = [...this.byId.values()].flatMap(({ parts }) => parts).reduce((total, { bytes }) => total + bytes, 0);
    if (held > this.maxBytes) throw new PayloadTooLarge(`The dictionaries of the Arrow stream take more than ${this.maxBytes} bytes`, { limit: this.maxBytes });
  }

  indexed({ id, bits, signed }: DictionaryEncoding, bytes: Uint8Array, length: number, validity: Validity): ReadValues {
    const Indices = INDICES[`${signed ? 's' : 'u'}${bits}` as keyof typeof INDICES];
    const indices = typed<ArrayLike<number | bigint>>(bytes, Indices, length);
    return (start, count, parents, budget) => {
      budget.take(count * VALUE_BYTES);
      const nulls = nullsIn(validity, start, count, parents);
      return rows(count, nulls, (row) => {
        const { values, costs } = this.decode(id);
        const index = Number(indices[start + row]);
        if (index < 0 || index >= values.length) throw broken('an index outside of its dictionary');
        budget.take(costs[index]!);
        return values[index]!;
      });
    };
  }

  private register(field: ArrowField): void {
    const { dictionary, ...values } = field;
    if (dictionary !== undefined) {
      const known = this.byId.get(dictionary.id);
      if (known !== undefined && arrowTypeText(known.values) !== arrowTypeText(values)) throw broken('one dictionary for columns of different types');
      if (known === undefined) this.byId.set(dictionary.id, { values, parts: [], decoded: undefined });
    }
    field.children.forEach((child) => this.register(child));
  }

  private decode(id: bigint): { values: DuckDBValue[]; costs: Float64Array } {
    const dictionary = this.byId.get(id)!;
    if (dictionary.decoded === 'underway') throw broken('a dictionary that contains itself');
    if (dictionary.decoded !== undefined) return dictionary.decoded;
    dictionary.decoded = 'underway';
    const budget = new DecodeBudget(this.maxBytes);
    const values = dictionary.parts.flatMap(({ column }) => column.read(0, column.length, undefined, budget));
    dictionary.decoded = { values, costs: Float64Array.from(values, costOf) };
    return dictionary.decoded;
  }
}

/** Bytes a value takes once more wherever it is named. */
function costOf(value: DuckDBValue): number {
  if (typeof value === 'string') return value.length;
  if (value instanceof DuckDBBlobValue) return value.bytes.length;
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return sum(value.items);
  if (value instanceof DuckDBStructValue) return sum(Object.values(value.entries));
  if (value instanceof DuckDBMapValue) return sum(value.entries.flatMap((entry) => [entry.key, entry.value]));
  return 0;
}

function sum(values: readonly DuckDBValue[]): number {
  return values.reduce<number>((total, value) => total + VALUE_BYTES + costOf(value), 0);
}
