import type { DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { CsvReader } from '../../src/duckdb/csv-reader.ts';
import { connect } from '../arrow/duckdb-fixture.ts';
import { read, texts, written } from './fixture.ts';

const cell = fc.oneof(fc.string({ maxLength: 6 }), fc.string({ unit: fc.constantFrom(...'",\r\n a\u00e9'.split('')), maxLength: 6 }), fc.constant(null));
const LINE_ENDS = ['\n', '\r\n', '\r'] as const;

/** A record as another program could write it: quoted where it must be, and now and then where it need not. */
const recordText = (cells: readonly (string | null)[], always: boolean): string =>
  cells.map((text) => (text === null ? '' : always || /[",\r\n]|^$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(',');

function cutInto(text: string, pieceChars: number): string[] {
  return Array.from({ length: Math.ceil(text.length / pieceChars) }, (_none, piece) => text.slice(piece * pieceChars, (piece + 1) * pieceChars));
}

describe('records', () => {
  it('are cut as they were put together, wherever the text is cut into pieces', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 6 }),
        fc.constantFrom(...LINE_ENDS),
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 1, max: 9 }),
        (records, lineEnd, always, endsWithLine, pieceChars) => {
          const text = records.map((cells) => recordText(cells, always)).join(lineEnd) + (endsWithLine && records.length > 0 ? lineEnd : '');
          const reader = new CsvReader(1_000);
          const found = [...cutInto(text, pieceChars), ''].flatMap((piece, index, all) => [...reader.push(piece, index === all.length - 1)]);
          expect(found.map(({ cells }) => cells)).toEqual(records);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('tell the line they begin in', () => {
    const reader = new CsvReader(1_000);
    const records = [...reader.push('a,b\n"1\n2\n3",x\r\ny,z\n', true)];
    expect(records.map(({ line }) => line)).toEqual([1, 2, 5]);
  });

  it('that are long cost no more for being cut into many pieces', () => {
    const reader = new CsvReader(8_000_000);
    const long = 'x'.repeat(4_000_000);
    const pieces = cutInto(`"${long}",1\n`, 1_000);
    const startedMs = performance.now();
    const found = pieces.flatMap((piece, index) => [...reader.push(piece, index === pieces.length - 1)]);
    expect(found).toEqual([{ cells: [long, '1'], line: 1 }]);
    // Reading on from the beginning with each piece would take 4,000 times as long as reading once.
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});

describe('rows from CSV', () => {
  let connection: DuckDBConnection;

  beforeEach(async () => {
    connection = await connect();
    await connection.run('CREATE TABLE t(id INTEGER NOT NULL, name VARCHAR, score DOUBLE, seen TIMESTAMP)');
  });

  it('go where the header says; what it leaves out, and what is empty without quotes, is NULL', async () => {
    await read(connection, 't', 'csv', '\ufeffname,id\r\n"Ann, ""the"" first",1\r\n,2\r\n"",3\r\n\r\n  x ,4');
    expect(await texts(connection, 't')).toEqual([
      ['1', 'Ann, "the" first', null, null],
      ['2', null, null, null],
      ['3', '', null, null],
      ['4', '  x ', null, null],
    ]);
  });

  it('may write values in the ways DuckDB users do', async () => {
    await connection.run('CREATE TABLE ways(b BOOLEAN, i INTEGER, d DOUBLE, t TIMESTAMP, l INTEGER[], s STRUCT(a INTEGER, b VARCHAR))');
    await read(
      connection,
      'ways',
      'csv',
      `b,i,d,t,l,s\nT, 42 ,1e3,2026-01-31,"[1,NULL,  3]","{a: 1, ""b"": it's}"\n0,-7,inf,2026-01-31T12:34,[],"{'b': 'x, y'}"\n`,
    );
    expect(await texts(connection, 'ways')).toEqual([
      ['true', '42', '1000.0', '2026-01-31 00:00:00', '[1, NULL, 3]', "{'a': 1, 'b': 'it\\'s'}"],
      ['false', '-7', 'inf', '2026-01-31 12:34:00', '[]', "{'a': NULL, 'b': 'x, y'}"],
    ]);
  });

  it('of one column may be NULL: an empty line', async () => {
    await connection.run('CREATE TABLE one(a VARCHAR)');
    await read(connection, 'one', 'csv', 'a\n\nx\n""\n\n');
    expect(await texts(connection, 'one')).toEqual([[null], ['x'], [''], [null]]);
    expect(await written(connection, 'FROM one', 'csv')).toBe('a\n\nx\n""\n\n');
  });

  it.each([
    ['', { code: 'invalid_rows', fields: { line: 1 } }],
    ['id,nope\n1,2\n', { code: 'invalid_rows', fields: { line: 1, field: 'nope' } }],
    ['id,id\n1,2\n', { code: 'invalid_rows', fields: { line: 1, field: 'id' } }],
    ['id,\n1,2\n', { code: 'invalid_rows', fields: { line: 1, field: '' } }],
    ['id,name\n1,a\n2\n', { code: 'invalid_rows', fields: { row: 1, line: 3 } }],
    ['id,name\n1,a,b\n', { code: 'invalid_rows', fields: { row: 0, line: 2 } }],
    ['id,name\n1,"a\nb"\nx,c\n', { code: 'invalid_rows', fields: { row: 1, line: 4, field: 'id' } }],
    ['id,name\n1,"never closed\n', { code: 'invalid_rows', fields: { line: 2 } }],
    ['id,name\n1,a"b"\n', { code: 'invalid_rows', fields: { line: 2 } }],
    ['id,name\n1,"a" b\n', { code: 'invalid_rows', fields: { line: 2 } }],
    ['id\n3000000000\n', { code: 'value_out_of_range', fields: { row: 0, line: 2, field: 'id' } }],
    ['id\n1.5\n', { code: 'value_out_of_range', fields: { row: 0, line: 2, field: 'id' } }],
    ['id\n""\n', { code: 'invalid_rows', fields: { row: 0, line: 2, field: 'id' } }],
    ['id,score\n1,1e999\n', { code: 'value_out_of_range', fields: { row: 0, line: 2, field: 'score' } }],
    ['id,seen\n1,2026-02-30\n', { code: 'invalid_rows', fields: { row: 0, line: 2, field: 'seen' } }],
  ])('%j is refused', async (body, error) => {
    await expect(read(connection, 't', 'csv', body, { pieceBytes: 100, maxBytes: 1_000 })).rejects.toMatchObject(error);
  });

  it.each(['x'.repeat(2_000), `"${'x,\n'.repeat(700)}"`])('that are longer than a row may be are refused', async (long) => {
    const refused = read(connection, 't', 'csv', `id,name\n1,${long}\n`, { pieceBytes: 100, maxBytes: 1_000 });
    await expect(refused).rejects.toMatchObject({ code: 'payload_too_large', fields: { limit: 1_000 } });
  });

  it('that are not UTF-8 are refused with the line', async () => {
    const body = Buffer.concat([Buffer.from('id,name\n1,a\n2,'), Buffer.from([0xc3, 0x28])]);
    await expect(read(connection, 't', 'csv', body, { pieceBytes: 3 })).rejects.toMatchObject({ code: 'invalid_rows', fields: { line: 3 } });
    await expect(read(connection, 't', 'csv', Buffer.from('id\n1\n\u00e9').subarray(0, -1))).rejects.toMatchObject({ code: 'invalid_rows' });
  });

  it('of a type that text cannot hold are refused', async () => {
    await connection.run('CREATE TABLE odd(u UNION(a INTEGER, b VARCHAR))');
    await expect(read(connection, 'odd', 'csv', 'u\n1\n')).rejects.toMatchObject({ code: 'unsupported_type', fields: { field: 'u' } });
  });
});
