import type { DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../arrow/duckdb-fixture.ts';
import { read, texts, written } from './fixture.ts';
import { flatValues, tableOf, typedValues } from './values.ts';

let connection: DuckDBConnection;

beforeAll(async () => {
  connection = await connect();
  await connection.run("SET TimeZone = 'UTC'");
});

describe('values of every type that text can hold', () => {
  it.each(['csv', 'ndjson'] as const)('come back from %s as they went, however it is cut into pieces', async (format) => {
    await fc.assert(
      fc.asyncProperty(typedValues, fc.integer({ min: 1, max: 64 }), async (values, pieceBytes) => {
        await connection.run(tableOf(values));
        const text = await written(connection, 'FROM t', format);
        await connection.run('CREATE OR REPLACE TABLE back AS FROM t LIMIT 0');
        await read(connection, 'back', format, text, { pieceBytes });
        expect(await texts(connection, 'back')).toEqual(await texts(connection, 't'));
      }),
      { numRuns: 300 },
    );
  });

  it('are written to CSV as DuckDB casts them to VARCHAR', async () => {
    // Of the digits that stand for a FLOAT DuckDB does not always write the fewest.
    const exact = flatValues.filter(({ type }) => type !== 'FLOAT');
    await fc.assert(
      fc.asyncProperty(exact, fc.boolean(), async (values, inList) => {
        await connection.run(tableOf(values));
        const column = inList ? '[v]' : 'v';
        await connection.run(`CREATE OR REPLACE TABLE texts AS SELECT ${column}::VARCHAR AS v FROM t`);
        const text = await written(connection, `SELECT ${column} AS v FROM t`, 'csv');
        await connection.run('CREATE OR REPLACE TABLE back AS FROM texts LIMIT 0');
        await read(connection, 'back', 'csv', text);
        expect(await texts(connection, 'back')).toEqual(await texts(connection, 'texts'));
      }),
      { numRuns: 500 },
    );
  });

  it.each(['DATE', 'TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMPTZ'])(
    'of type %s before year 1 are written with the years DuckDB counts',
    async (type) => {
      const days = ['1-01-01', '1-12-31 (BC)', '2-01-01 (BC)', '401-02-28 (BC)', '4713-11-24 (BC)'].map((day) => `'${day.padStart(day.length, '0')}'::DATE`);
      await connection.run(`CREATE OR REPLACE TABLE t AS SELECT unnest([${days.join(', ')}])::${type} AS v`);
      const wanted = (await texts(connection, 't')).flat().map(String);
      expect((await written(connection, 'FROM t', 'csv')).trim().split('\n').slice(1)).toEqual(wanted);
      await connection.run('CREATE OR REPLACE TABLE back AS FROM t LIMIT 0');
      await read(connection, 'back', 'ndjson', await written(connection, 'FROM t', 'ndjson'));
      expect((await texts(connection, 'back')).flat()).toEqual(wanted);
    },
  );
});
