import type { DuckDBConnection } from '@duckdb/node-api';
import { beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../arrow/duckdb-fixture.ts';
import { read, texts, written } from './fixture.ts';

let connection: DuckDBConnection;

beforeEach(async () => {
  connection = await connect();
  await connection.run('CREATE TABLE t(id BIGINT, name VARCHAR, tags VARCHAR[], spot STRUCT(x DOUBLE, y DOUBLE))');
});

describe('rows from NDJSON', () => {
  it('are an object a line, in any line ending, nested values and blank lines included', async () => {
    const body = '\ufeff{"id":9223372036854775807,"tags":["a",null],"spot":{"y":2}}\r\n\n  \r\n{"name":"caf\u00e9 \\n","id":"2"}';
    await read(connection, 't', 'ndjson', body, { pieceBytes: 7 });
    expect(await texts(connection, 't')).toEqual([
      ['9223372036854775807', null, '[a, NULL]', "{'x': NULL, 'y': 2.0}"],
      ['2', 'caf\u00e9 \n', null, null],
    ]);
  });

  it('may be none', async () => {
    await read(connection, 't', 'ndjson', '');
    expect(await texts(connection, 't')).toEqual([]);
  });

  it.each([
    ['{"id":1}\n{"id":2', { code: 'invalid_rows', fields: { line: 2 } }],
    ['{"id":1} {"id":2}\n', { code: 'invalid_rows', fields: { line: 1 } }],
    ['[{"id":1}]\n', { code: 'invalid_rows', fields: { line: 1, row: 0 } }],
    ['{"id":1}\n7\n', { code: 'invalid_rows', fields: { line: 2, row: 1 } }],
    ['{"id":1}\n\n{"nope":1}\n', { code: 'invalid_rows', fields: { line: 3, row: 1, field: 'nope' } }],
    ['{"id":1}\n{"id":{}}\n', { code: 'invalid_rows', fields: { line: 2, row: 1, field: 'id' } }],
    ['{"id":1}\n{"id":9223372036854775808}\n', { code: 'value_out_of_range', fields: { row: 1, field: 'id' } }],
  ])('%j is refused', async (body, error) => {
    await expect(read(connection, 't', 'ndjson', body, { pieceBytes: 100, maxBytes: 1_000 })).rejects.toMatchObject(error);
  });

  it('that are longer or deeper than a row may be are refused', async () => {
    const long = `{"name":"${'x'.repeat(2_000)}"}\n`;
    await expect(read(connection, 't', 'ndjson', long, { pieceBytes: 100, maxBytes: 1_000 })).rejects.toMatchObject({
      code: 'payload_too_large',
      limit: 1_000,
    });
    await expect(read(connection, 't', 'ndjson', '['.repeat(900))).rejects.toMatchObject({ code: 'invalid_rows', fields: { line: 1 } });
  });
});

describe('rows as NDJSON', () => {
  it('tell columns of one name apart, as DuckDB does', async () => {
    expect(await written(connection, 'SELECT 1 AS a, 2 AS a, 3 AS A, 4 AS a_1', 'ndjson')).toBe('{"a":1,"a_1":2,"A_2":3,"a_1_1":4}\n');
  });

  it('are nothing when there are none, and CSV is its header then', async () => {
    expect(await written(connection, 'FROM t', 'ndjson')).toBe('');
    expect(await written(connection, 'SELECT id, name AS "a, b" FROM t', 'csv')).toBe('id,"a, b"\n');
  });
});
