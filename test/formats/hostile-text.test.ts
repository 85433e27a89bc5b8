import type { DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { MayflyError } from '../../src/domain/errors.ts';
import { connect } from '../arrow/duckdb-fixture.ts';
import { read } from './fixture.ts';

const REFUSALS = new Set(['invalid_rows', 'value_out_of_range', 'payload_too_large']);
const COLUMNS =
  'id BIGINT, name VARCHAR, seen TIMESTAMPTZ, price DECIMAL(9,2), tags VARCHAR[], pairs MAP(VARCHAR, INTEGER), spot STRUCT(x DOUBLE, b BLOB), i INTERVAL';
const GOOD = {
  csv: Buffer.from(
    `id,name,seen,price,tags,pairs,spot,i\n1,"a, ""b""",2026-01-31 12:00:00+00,1.50,"['x y', NULL]","{k=1}","{'x': 1.5, 'b': '\\\\xFF'}",1 year 01:02:03\n2,,,,,,,\n`,
  ),
  ndjson: Buffer.from(
    '{"id":1,"name":"a \\u00e9","seen":"2026-01-31T12:00:00Z","price":"1.50","tags":["x",null],"pairs":[{"key":"k","value":1}],"spot":{"x":1.5,"b":"/w=="},"i":{"months":1,"days":2,"micros":3}}\n{"id":2}\n',
  ),
};

let connection: DuckDBConnection;

beforeAll(async () => {
  connection = await connect();
  await connection.run(`CREATE TABLE t(${COLUMNS})`);
});

/** A body with some of its bytes changed, left out, doubled, or cut off. */
const mutated = (body: Buffer): fc.Arbitrary<Buffer> =>
  fc
    .array(fc.tuple(fc.nat(body.length - 1), fc.integer({ min: 0, max: 255 }), fc.constantFrom('set', 'drop', 'double', 'cut')), { minLength: 1, maxLength: 4 })
    .map((edits) => {
      let bytes = Buffer.from(body);
      for (const [at, byte, edit] of edits) {
        const place = at % Math.max(1, bytes.length);
        if (edit === 'set') bytes[place] = byte;
        else if (edit === 'cut') bytes = bytes.subarray(0, place);
        else bytes = Buffer.concat([bytes.subarray(0, place), ...(edit === 'double' ? [bytes.subarray(place, place + 9)] : []), bytes.subarray(place + 1)]);
      }
      return bytes;
    });

describe.each(['csv', 'ndjson'] as const)('%s', (format) => {
  it('is taken when it is good', async () => {
    await read(connection, 't', format, GOOD[format]);
  });

  it('of any bytes is taken or refused by code, and never breaks', async () => {
    const anything = fc.oneof(
      mutated(GOOD[format]),
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    );
    await fc.assert(
      fc.asyncProperty(anything, fc.integer({ min: 1, max: 200 }), async (body, pieceBytes) => {
        try {
          await read(connection, 't', format, body, { pieceBytes, maxBytes: 10_000 });
        } catch (error) {
          expect(error).toBeInstanceOf(MayflyError);
          expect(REFUSALS).toContain((error as MayflyError).code);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
