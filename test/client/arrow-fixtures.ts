import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  DateMillisecond,
  Decimal,
  Dictionary,
  DurationMicrosecond,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  IntervalMonthDayNano,
  LargeBinary,
  LargeUtf8,
  List,
  Map_,
  Null,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimeMicrosecond,
  TimestampMicrosecond,
  TimestampNanosecond,
  Uint64,
  Uint8,
  Utf8,
  Vector,
  makeData,
  vectorFromArray,
} from 'apache-arrow';

const point = new Struct([new Field('x', new Int32(), true), new Field('toJSON', new Utf8(), true)]);
const entries = new Field('entries', new Struct([new Field('key', new Utf8(), false), new Field('value', new Int32(), true)]), false) as Field<
  Struct<{ key: Utf8; value: Int32 }>
>;
const list = new List(new Field('item', new Int64(), true));
const nested = new List(new Field('item', new Struct([new Field('tags', new List(new Field('item', new Utf8(), true)), true)]), true));

interface Column {
  readonly type: DataType;
  readonly values: readonly unknown[];
  /** What `rows()` gives, where it differs. */
  readonly rows?: readonly unknown[];
}

/** One column of each kind of type: four values, the second one null. */
export const COLUMNS: Readonly<Record<string, Column>> = {
  nothing: { type: new Null(), values: [null, null, null, null] },
  bool: { type: new Bool(), values: [true, null, false, true] },
  i8: { type: new Int8(), values: [-128, null, 0, 127] },
  i16: { type: new Int16(), values: [-1, null, 0, 1] },
  i64: { type: new Int64(), values: [-(2n ** 63n), null, -1n, 2n ** 63n - 1n] },
  u8: { type: new Uint8(), values: [0, null, 1, 255] },
  u64: { type: new Uint64(), values: [0n, null, 1n, 2n ** 64n - 1n] },
  f16: { type: new Float16(), values: [0, null, 1.5, -2] },
  f32: { type: new Float32(), values: [0, null, 1.5, Number.POSITIVE_INFINITY] },
  f64: { type: new Float64(), values: [0.1, null, Number.NaN, -0] },
  text: { type: new Utf8(), values: ['', null, 'ä€😀', 'long enough not to be inlined anywhere'] },
  large_text: { type: new LargeUtf8(), values: ['', null, 'b', 'c'] },
  bytes: { type: new Binary(), values: [Uint8Array.of(), null, Uint8Array.of(0, 255), Uint8Array.of(1)] },
  large_bytes: { type: new LargeBinary(), values: [Uint8Array.of(7), null, Uint8Array.of(), Uint8Array.of(1, 2)] },
  fixed_bytes: { type: new FixedSizeBinary(2), values: [Uint8Array.of(1, 2), null, Uint8Array.of(3, 4), Uint8Array.of(5, 6)] },
  day: { type: new DateDay(), values: [new Date('1969-12-31'), null, new Date(0), new Date('2026-02-28')] },
  day_ms: { type: new DateMillisecond(), values: [new Date('1969-12-31'), null, new Date(0), new Date('2026-02-28')] },
  list: { type: list, values: [[1n, null], null, [], [3n]] },
  fixed_list: {
    type: new FixedSizeList(2, new Field('item', new Float32(), true)),
    values: [[1, 2], null, [3, null], [5, 6]],
  },
  struct: {
    type: point,
    values: [{ x: 1, toJSON: 'a' }, null, { x: null, toJSON: 'b' }, { x: 3, toJSON: null }],
  },
  nested: { type: nested, values: [[{ tags: ['a', null] }], null, [], [{ tags: [] }, { tags: null }]] },
  map: {
    type: new Map_(entries, false),
    values: [
      new Map([['a', 1]]),
      null,
      new Map(),
      new Map<string, number | null>([
        ['b', 2],
        ['c', null],
      ]),
    ],
  },
};

const raw = (type: DataType, data: ArrayBufferView): Vector =>
  new Vector([makeData({ type, data, length: 4, nullCount: 1, nullBitmap: Uint8Array.of(0b1101) } as never)]);

/** Types that apache-arrow builds only from raw values. */
const RAW: Readonly<Record<string, { readonly vector: Vector; readonly rows: readonly unknown[] }>> = {
  decimal: {
    vector: raw(
      new Decimal(3, 38, 128),
      Uint32Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x7fffffff),
    ),
    rows: ['0.001', null, '-0.001', '170141183460469231731687303715884105.727'],
  },
  timestamp: {
    vector: raw(new TimestampMicrosecond('UTC'), BigInt64Array.of(1n, 0n, -1n, 1_700_000_000_123_456n)),
    rows: [new Date(0), null, new Date(-1), new Date(1_700_000_000_123)],
  },
  far_timestamp: {
    vector: raw(new TimestampMicrosecond(null), BigInt64Array.of(0n, 0n, 9_000_000_000_000_000_000n, -(2n ** 63n))),
    rows: [new Date(0), null, 9_000_000_000_000_000_000n, -(2n ** 63n)],
  },
  nanos: { vector: raw(new TimestampNanosecond(null), BigInt64Array.of(0n, 0n, 1_999_999n, 5n)), rows: [new Date(0), null, new Date(1), new Date(0)] },
  time: {
    vector: raw(new TimeMicrosecond(), BigInt64Array.of(0n, 0n, 45_296_000_007n, 86_399_999_999n)),
    rows: ['00:00:00.000000', null, '12:34:56.000007', '23:59:59.999999'],
  },
  duration: { vector: raw(new DurationMicrosecond(), BigInt64Array.of(5n, 0n, -5n, 0n)), rows: [5n, null, -5n, 0n] },
  interval: {
    vector: raw(new IntervalMonthDayNano(), Int32Array.of(1, 2, 3, 0, 0, 0, 0, 0, -1, -2, -3, -1, 0, 0, 0, 1)),
    rows: [{ months: 1, days: 2, nanos: 3n }, null, { months: -1, days: -2, nanos: -3n }, { months: 0, days: 0, nanos: 2n ** 32n }],
  },
};

/** Rows that `rows()` must give for `everything`. */
export const EXPECTED: readonly Readonly<Record<string, unknown>>[] = [0, 1, 2, 3].map((at) => ({
  ...Object.fromEntries(Object.entries(COLUMNS).map(([name, column]) => [name, (column.rows ?? column.values)[at]])),
  ...Object.fromEntries(Object.entries(RAW).map(([name, column]) => [name, column.rows[at]])),
  word: ['b', null, 'a', 'b'][at],
}));

function build(): RecordBatch {
  const words = vectorFromArray(['b', null, 'a', 'b'], new Dictionary(new Utf8(), new Int8()));
  const vectors: [string, Vector][] = [
    ...Object.entries(COLUMNS).map(([name, { type, values }]): [string, Vector] => [name, vectorFromArray(values as unknown[], type)]),
    ...Object.entries(RAW).map(([name, { vector }]): [string, Vector] => [name, vector]),
    ['word', words],
  ];
  const schema = new Schema(vectors.map(([name, vector]) => new Field(name, vector.type as DataType, true)));
  const children = vectors.map(([, vector]) => vector.data[0]);
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: 4, nullCount: 0, children: children as never }));
}

const EVERYTHING = build();

/** A batch of four rows and one column of each kind. */
export function everything(): RecordBatch {
  return EVERYTHING;
}

export function tableOf(...batches: RecordBatch[]): Table {
  return new Table(batches[0]?.schema as Schema, batches);
}
