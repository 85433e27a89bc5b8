import { beforeAll, describe, expect, it } from 'vitest';
import type { DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import {
  Decimal,
  Field,
  Int32,
  Schema,
  Struct,
  Table,
  tableFromIPC,
  tableToIPC,
  Union,
  UnionMode,
  Utf8,
  vectorFromArray,
  Vector,
  makeData,
} from 'apache-arrow';
import { SchemaMismatch, UnsupportedType, ValueOutOfRange } from '../../src/domain/errors.ts';
import { matchColumns, openArrowStream } from '../../src/duckdb/arrow-to-duckdb.ts';
import { connect, loadArrow, loadJson, MESSAGE_MAX_BYTES, pieces, selectArrow, selectJson } from './duckdb-fixture.ts';

let connection: DuckDBConnection;

beforeAll(async () => {
  connection = await connect();
  await connection.run("SET TimeZone = 'UTC'");
});

/** type, SQL literals, Arrow type sent, JSON sent; `sameType` when Arrow brings the same DuckDB type back, `json` when JSON fills it */
const TYPES: readonly { sql: string; values: readonly string[]; arrow: string; json: readonly unknown[]; back?: string; noJson?: true }[] = [
  { sql: 'BOOLEAN', values: ['true', 'false'], arrow: 'Bool', json: [true, false] },
  { sql: 'TINYINT', values: ['(-128)', '127'], arrow: 'Int8', json: [-128, 127] },
  { sql: 'USMALLINT', values: ['0', '65535'], arrow: 'Uint16', json: [0, 65535] },
  { sql: 'INTEGER', values: ['(-2147483648)'], arrow: 'Int32', json: [-2147483648] },
  { sql: 'BIGINT', values: ['9007199254740991', '9223372036854775807'], arrow: 'Int64', json: [9007199254740991, '9223372036854775807'] },
  { sql: 'UBIGINT', values: ['18446744073709551615'], arrow: 'Uint64', json: ['18446744073709551615'] },
  {
    sql: 'HUGEINT',
    values: ['-99999999999999999999999999999999999999'],
    arrow: 'Decimal[38e0]',
    json: ['-99999999999999999999999999999999999999'],
    back: 'DECIMAL(38,0)',
  },
  { sql: 'FLOAT', values: ["'nan'", '-0.0', '1.5'], arrow: 'Float32', json: ['NaN', -0, 1.5] },
  { sql: 'DOUBLE', values: ["'-inf'", '0.1', '1e300'], arrow: 'Float64', json: ['-Infinity', 0.1, 1e300] },
  { sql: 'DECIMAL(4,1)', values: ['-999.9', '0.5'], arrow: 'Decimal[4e+1]', json: ['-999.9', '0.5'] },
  { sql: 'DECIMAL(38,10)', values: ['1234567890123456789012345678.0123456789'], arrow: 'Decimal[38e+10]', json: ['1234567890123456789012345678.0123456789'] },
  { sql: 'VARCHAR', values: ["''", "'héllo 🦋'", "'quote \" line\n'"], arrow: 'Utf8', json: ['', 'héllo 🦋', 'quote " line\n'] },
  { sql: 'BLOB', values: ["'\\x00\\xFF'::BLOB", "''::BLOB"], arrow: 'Binary', json: ['AP8=', ''] },
  { sql: 'DATE', values: ["'2026-01-31'", "'0001-01-01'", "'infinity'"], arrow: 'Date32<DAY>', json: ['2026-01-31', '0001-01-01', 'infinity'] },
  { sql: 'TIME', values: ["'12:34:56.789'", "'24:00:00'"], arrow: 'Time64<MICROSECOND>', json: ['12:34:56.789', '24:00:00'] },
  {
    sql: 'TIMESTAMP',
    values: ["'2026-01-31 12:34:56.000001'", "'1969-12-31 23:59:59'"],
    arrow: 'Timestamp<MICROSECOND>',
    json: ['2026-01-31T12:34:56.000001', '1969-12-31T23:59:59'],
  },
  { sql: 'TIMESTAMP_S', values: ["'2026-01-31 12:34:56'"], arrow: 'Timestamp<SECOND>', json: ['2026-01-31T12:34:56'] },
  { sql: 'TIMESTAMP_NS', values: ["'2026-01-31 12:34:56.123456789'"], arrow: 'Timestamp<NANOSECOND>', json: ['2026-01-31T12:34:56.123456789'] },
  { sql: 'TIMESTAMP WITH TIME ZONE', values: ["'2026-01-31 12:34:56+02'"], arrow: 'Timestamp<MICROSECOND, UTC>', json: ['2026-01-31T10:34:56Z'] },
  { sql: 'INTERVAL', values: ["'1 year 2 days 3 seconds'"], arrow: 'Interval<MONTH_DAY_NANO>', json: [{ months: 12, days: 2, micros: 3_000_000 }] },
  { sql: 'UUID', values: ["'01234567-89ab-4def-8123-456789abcdef'"], arrow: 'Utf8', json: ['01234567-89ab-4def-8123-456789abcdef'], back: 'VARCHAR' },
  { sql: "ENUM('a', 'b')", values: ["'b'"], arrow: 'Utf8', json: ['b'], back: 'VARCHAR' },
  { sql: 'BIT', values: ["'10101'"], arrow: 'Utf8', json: ['10101'], back: 'VARCHAR' },
  { sql: 'TIME WITH TIME ZONE', values: ["'12:00:00+01'"], arrow: 'Utf8', json: ['12:00:00+01'], back: 'VARCHAR', noJson: true },
  {
    sql: 'BIGNUM',
    values: ["'123456789012345678901234567890123456789012'"],
    arrow: 'Utf8',
    json: ['123456789012345678901234567890123456789012'],
    back: 'VARCHAR',
    noJson: true,
  },
  { sql: 'INTEGER[]', values: ['[1, NULL]', '[]'], arrow: 'List<Int32>', json: [[1, null], []] },
  { sql: 'DOUBLE[2]', values: ['[1.5, NULL]'], arrow: 'FixedSizeList[2]<Float64>', json: [[1.5, null]] },
  {
    sql: 'STRUCT(a INTEGER, "b c" VARCHAR[])',
    values: ["{a: 1, 'b c': ['x', NULL]}"],
    arrow: 'Struct<{a:Int32, b c:List<Utf8>}>',
    json: [{ a: 1, 'b c': ['x', null] }],
  },
  {
    sql: 'MAP(VARCHAR, INTEGER)',
    values: ["MAP {'x': 1, 'y': NULL}", 'MAP {}'],
    arrow: 'Map<{key:Utf8, value:Int32}>',
    json: [
      [
        { key: 'x', value: 1 },
        { key: 'y', value: null },
      ],
      [],
    ],
  },
  {
    sql: 'UNION(i INTEGER, s VARCHAR)',
    values: ["union_value(s := 'x')"],
    arrow: 'Struct<{tag:Utf8, i:Int32, s:Utf8}>',
    json: [{ s: 'x' }],
    back: 'STRUCT(tag VARCHAR, i INTEGER, s VARCHAR)',
    noJson: true,
  },
];

async function textOf(sql: string): Promise<unknown[]> {
  return (await (await connection.run(sql)).getRows()).flat();
}

describe.each(TYPES)('$sql', ({ sql, values, arrow, json, back, noJson }) => {
  const rows = [...values, 'NULL'].map((value) => `(${value}::${sql})`).join(', ');
  const make = `CREATE OR REPLACE TABLE source AS SELECT * FROM (VALUES ${rows}) AS v(x)`;

  it('goes out as Arrow and comes back the same', async () => {
    await connection.run(make);
    const table = await selectArrow(connection, 'SELECT x FROM source');
    expect(String(table.schema.fields[0]?.type)).toBe(arrow);
    await loadArrow(connection, tableToIPC(table, 'stream'));
    expect(await textOf('SELECT DISTINCT typeof(x) FROM t')).toEqual(back === undefined ? await textOf('SELECT DISTINCT typeof(x) FROM source') : [back]);
    if (sql.startsWith('UNION')) return; // a struct prints otherwise
    expect(await textOf('SELECT x::VARCHAR FROM t')).toEqual(await textOf('SELECT x::VARCHAR FROM source'));
  });

  it('goes out as JSON and comes back the same', async () => {
    await connection.run(make);
    const answer = JSON.parse(await selectJson(connection, 'SELECT x FROM source')) as { rows: unknown[][] };
    expect(answer.rows).toEqual([...json, null].map((value) => [value]));
    await connection.run('CREATE OR REPLACE TABLE t AS FROM source LIMIT 0');
    const body = JSON.stringify(answer.rows.map(([x]) => ({ x: Object.is(x, -0) ? '-0' : x }))).replaceAll('"-0"', '-0');
    if (noJson) return expect(loadJson(connection, body)).rejects.toBeInstanceOf(UnsupportedType);
    await loadJson(connection, body);
    return expect(await textOf('SELECT x::VARCHAR FROM t')).toEqual(await textOf('SELECT x::VARCHAR FROM source'));
  });
});

describe('results', () => {
  it('keep duplicate names, no rows and many batches', async () => {
    const twice = await selectArrow(connection, 'SELECT 1 AS a, 2 AS a');
    expect([twice.getChildAt(0)?.get(0), twice.getChildAt(1)?.get(0)]).toEqual([1, 2]);
    const none = await selectArrow(connection, 'SELECT 1 AS a WHERE false');
    expect([none.numRows, none.schema.fields[0]?.name]).toEqual([0, 'a']);
    const many = await selectArrow(connection, "SELECT i, 'text ' || i AS s FROM range(200000) r(i)");
    expect(many.batches.length).toBeGreaterThan(2);
    expect(many.get(199_999)?.toJSON()).toEqual({ i: 199_999n, s: 'text 199999' });
    expect(JSON.parse(await selectJson(connection, 'SELECT 1 AS a WHERE false'))).toEqual({ columns: [{ name: 'a', type: 'INTEGER' }], rows: [] });
  });

  it('keep every value of a column that outgrows its first memory, row by row (I8)', async () => {
    const made = "SELECT i, CASE WHEN i % 7 = 0 THEN NULL ELSE 'text ' || i END AS s, [i, i + 1] AS l, i::VARCHAR::BLOB AS b FROM range(20000) r(i)";
    const rows = (await selectArrow(connection, made)).toArray() as { i: bigint; s: string | null; l: Iterable<bigint>; b: Uint8Array }[];
    const wrong = rows.filter(
      ({ i, s, l, b }) => s !== (i % 7n === 0n ? null : `text ${i}`) || [...l].join() !== `${i},${i + 1n}` || Buffer.from(b).toString() !== String(i),
    );
    expect([rows.length, wrong.map(({ i }) => i)]).toEqual([20_000, []]);
  });

  it('refuse a HUGEINT of 39 digits in Arrow rather than change it', async () => {
    await expect(selectArrow(connection, 'SELECT 170141183460469231731687303715884105727::HUGEINT AS big')).rejects.toMatchObject({
      code: 'value_out_of_range',
      field: 'big',
    });
  });
});

describe('schemas', () => {
  const open = (schema: Schema) => openArrowStream(pieces(tableToIPC(new Table(schema), 'stream')), { messageMaxBytes: MESSAGE_MAX_BYTES });

  it.each([
    ['a', 'A'],
    ['a', 'a'],
    ['', 'b'],
  ])('with the names "%s" and "%s" are refused', async (one, other) => {
    await expect(open(new Schema([new Field(one, new Int32()), new Field(other, new Int32())]))).rejects.toBeInstanceOf(UnsupportedType);
  });

  it('with a union or 39 digits are refused with the field', async () => {
    const union = new Union(UnionMode.Dense, [0], [new Field('i', new Int32())]);
    await expect(open(new Schema([new Field('u', union)]))).rejects.toMatchObject({ code: 'unsupported_type', field: 'u', arrow_type: 'union<i: int32>' });
    await expect(open(new Schema([new Field('d', new Decimal(0, 39, 256))]))).rejects.toMatchObject({ code: 'unsupported_type', field: 'd' });
  });

  it('match a table by names, order and types', async () => {
    const input = await open(new Schema([new Field('a', new Int32()), new Field('s', new Struct([new Field('x', new Utf8())]))]));
    const table = [
      { name: 'a', type: 'INTEGER', nullable: false },
      { name: 's', type: 'STRUCT(x VARCHAR)', nullable: true },
    ];
    matchColumns(table, input);
    expect(() => matchColumns(table.toReversed(), input)).toThrow(SchemaMismatch);
    expect(() => matchColumns(table.slice(0, 1), input)).toThrow(/"s"/);
    await input.close();
  });
});

describe('values', () => {
  it('that a decimal column cannot hold are refused with its field', async () => {
    const data = makeData({ type: new Decimal(0, 3, 128), length: 1, data: Uint32Array.of(1_000, 0, 0, 0) });
    await expect(loadArrow(connection, tableToIPC(new Table({ d: new Vector([data]) }), 'stream'))).rejects.toBeInstanceOf(ValueOutOfRange);
  });

  it('survive any mixture of nulls, slices and batches', async () => {
    const column = fc.array(fc.option(fc.string({ unit: 'grapheme' })), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(column, column, fc.nat(10), async (one, other, from) => {
        const batches = [one, other].map((texts) => new Table({ text: vectorFromArray([...texts, null], new Utf8()) }));
        const table = batches[0]!.concat(batches[1]!).slice(from);
        await loadArrow(connection, tableToIPC(table, 'stream'));
        const back = await selectArrow(connection, 'SELECT text FROM t');
        expect(back.toArray().map((row) => row.text)).toEqual(
          tableFromIPC(tableToIPC(table, 'stream'))
            .toArray()
            .map((row) => row.text),
        );
      }),
      { numRuns: 60, seed: 7 },
    );
  });
});

describe('JSON rows', () => {
  it.each([
    ['[{"n": 1}\n{"n": 2}]', { code: 'invalid_rows', line: 2 }],
    ['[{"n": 1}', { code: 'invalid_rows', line: 1 }],
    ['[{"n": 1, "x": 2}]', { code: 'invalid_rows', row: 0, field: 'x' }],
    ['[{"n": true}]', { code: 'invalid_rows', row: 0, field: 'n' }],
    ['[{"n": 128}]', { code: 'value_out_of_range', field: 'n' }],
    ['[{"n": 1.5}]', { code: 'value_out_of_range', field: 'n' }],
    ['[1]', { code: 'invalid_rows', row: 0 }],
    [`[{"n": ${' '.repeat(2_000)}1}]`, { code: 'payload_too_large', limit: 1_000 }],
  ])('%s is refused', async (body, error) => {
    await connection.run('CREATE OR REPLACE TABLE t(n TINYINT)');
    await expect(loadJson(connection, body, 1_000)).rejects.toMatchObject(error);
  });

  it('keep every digit, and take a missing key as NULL', async () => {
    await connection.run('CREATE OR REPLACE TABLE t(n UBIGINT, d DECIMAL(20,2))');
    await loadJson(connection, '[{"n": 18446744073709551615, "d": 123456789012345678.25}, {"d": 1e2}, {}]');
    expect(await textOf("SELECT n::VARCHAR || '/' || d::VARCHAR FROM t LIMIT 1")).toEqual(['18446744073709551615/123456789012345678.25']);
    expect(await textOf('SELECT count(n), count(d), count(*) FROM t')).toEqual([1n, 2n, 3n]);
  });
});
