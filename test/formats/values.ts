import fc from 'fast-check';

/** Texts that are hard on quoting, and ones that look like something else. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: fc.constantFrom(...'",\'\\()[]{}=: \t\n\r;|#a1\u00e9'.split(''), '\u{1f600}'), maxLength: 8 }),
  fc.constantFrom('', 'NULL', 'null', 'true', '1', 'NaN', ' padded ', '\ufefftext', '\\N', '\\x41'),
);
const quoted = (value: string): string => `'${value.replaceAll("'", "''").replaceAll('\0', '')}'`;
const bytes = fc.uint8Array({ maxLength: 8 }).map((value) => `'${Array.from(value, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}'::BLOB`);
const integer = (bits: bigint, signed: boolean): fc.Arbitrary<string> => {
  const [min, max] = signed ? [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n] : [0n, 2n ** bits - 1n];
  return fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, 0n, 1n)).map((value) => `'${value}'`);
};
const day = fc.integer({ min: -1_000_000, max: 3_000_000 }).map((days) => `(DATE '1970-01-01' + ${days})`);
const instant = fc.bigInt({ min: -200_000_000_000_000_000n, max: 250_000_000_000_000_000n });
const nanos = fc.bigInt({ min: -9_000_000_000_000_000_000n, max: 9_000_000_000_000_000_000n });
const float = (value: fc.Arbitrary<number>): fc.Arbitrary<string> => value.map((number) => `'${Object.is(number, -0) ? '-0' : number}'`);
const small = fc.integer({ min: -2_000, max: 2_000 });

/** Each DuckDB type that text can hold, with SQL expressions of its values. */
const FLAT: Readonly<Record<string, fc.Arbitrary<string>>> = {
  BOOLEAN: fc.constantFrom('true', 'false'),
  TINYINT: integer(8n, true),
  SMALLINT: integer(16n, true),
  INTEGER: integer(32n, true),
  BIGINT: integer(64n, true),
  HUGEINT: integer(128n, true),
  UTINYINT: integer(8n, false),
  USMALLINT: integer(16n, false),
  UINTEGER: integer(32n, false),
  UBIGINT: integer(64n, false),
  UHUGEINT: integer(128n, false),
  FLOAT: float(fc.float()),
  DOUBLE: float(fc.double()),
  'DECIMAL(4,1)': fc.integer({ min: -9_999, max: 9_999 }).map((value) => `${value}::DECIMAL(9,0) / 10`),
  'DECIMAL(38,10)': fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }).map(
    (value) =>
      `'${value / 10n ** 10n}.${String(value % 10n ** 10n)
        .replace('-', '')
        .padStart(10, '0')}'`,
  ),
  VARCHAR: text.map(quoted),
  BLOB: bytes,
  DATE: fc.oneof(day, fc.constantFrom("'infinity'", "'-infinity'")),
  TIME: fc.integer({ min: 0, max: 86_399 }).map((seconds) => `TIME '00:00:00' + to_seconds(${seconds}) + to_microseconds(${seconds})`),
  TIMESTAMP: fc.oneof(
    instant.map((micros) => `make_timestamp(${micros})`),
    fc.constantFrom("'infinity'", "'-infinity'"),
  ),
  TIMESTAMP_S: instant.map((micros) => `make_timestamp(${micros})`),
  TIMESTAMP_MS: instant.map((micros) => `make_timestamp(${micros})`),
  TIMESTAMP_NS: nanos.map((value) => `make_timestamp_ns(${value})`),
  'TIMESTAMP WITH TIME ZONE': instant.map((micros) => `to_timestamp(0) + to_microseconds(${micros})`),
  INTERVAL: fc.tuple(small, small, instant).map(([months, days, micros]) => `to_months(${months}) + to_days(${days}) + to_microseconds(${micros})`),
  UUID: fc.uuid().map(quoted),
  BIT: fc.string({ unit: fc.constantFrom('0', '1'), minLength: 1, maxLength: 20 }).map(quoted),
  "ENUM('a', 'b,c', '')": fc.constantFrom("'a'", "'b,c'", "''"),
};

export interface Typed {
  readonly type: string;
  /** SQL expressions, each of the type or NULL. */
  readonly values: readonly string[];
}

interface Kind {
  readonly type: string;
  readonly value: fc.Arbitrary<string>;
}

const orNull = ({ type, value }: Kind): fc.Arbitrary<string> => fc.option(value, { nil: 'NULL', freq: 5 }).map((sql) => `(${sql})::${type}`);
const flat: fc.Arbitrary<Kind> = fc.constantFrom(...Object.entries(FLAT).map(([type, value]) => ({ type, value })));

/** Structs whose fields have names that need quotes. */
const structOf = (one: Kind, two: Kind): Kind => ({
  type: `STRUCT("a" ${one.type}, "it's: {b}" ${two.type})`,
  value: fc.tuple(orNull(one), orNull(two)).map(([a, b]) => `struct_pack("a" := ${a}, "it's: {b}" := ${b})`),
});

const { kind } = fc.letrec<{ kind: Kind; nested: Kind }>((tie) => ({
  kind: fc.oneof({ depthSize: 'small', withCrossShrink: true }, flat, tie('nested')),
  nested: fc.oneof(
    tie('kind').map((item) => ({ type: `${item.type}[]`, value: fc.array(orNull(item), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`) })),
    tie('kind').map((item) => ({
      type: `${item.type}[2]`,
      value: fc.tuple(orNull(item), orNull(item)).map((items) => `[${items.join(', ')}]::${item.type}[2]`),
    })),
    fc.tuple(tie('kind'), tie('kind')).map(([one, two]) => structOf(one, two)),
    tie('kind').map((item) => ({
      type: `MAP(VARCHAR, ${item.type})`,
      value: fc
        .uniqueArray(fc.tuple(text.map(quoted), orNull(item)), { maxLength: 3, selector: ([key]) => key })
        .map((entries) => `MAP {${entries.map(([key, value]) => `${key}: ${value}`).join(', ')}}`),
    })),
  ),
}));

/** Some values of one random type, nested ones included. */
export const typedValues: fc.Arbitrary<Typed> = kind.chain((one) =>
  fc.array(orNull(one), { minLength: 1, maxLength: 6 }).map((values) => ({ type: one.type, values })),
);

/** Some values of one type that is not nested. */
export const flatValues: fc.Arbitrary<Typed> = flat.chain((one) =>
  fc.array(orNull(one), { minLength: 1, maxLength: 6 }).map((values) => ({ type: one.type, values })),
);

/** Makes the table `t` anew, with the values in its column `v` beside their places. */
export function tableOf({ type, values }: Typed): string {
  const rows = values.map((value, place) => `(${place}, ${value})`);
  return `CREATE OR REPLACE TABLE t AS SELECT place::INTEGER AS place, v::${type} AS v FROM (VALUES ${rows.join(', ')}) AS all_rows(place, v)`;
}
