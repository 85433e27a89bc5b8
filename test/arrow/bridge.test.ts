import { beforeAll, describe, expect, it } from 'vitest';
import type { DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import { ValueBatches } from '../../bench/arrow-oracle/batches.ts';
import { connect, insertArrow } from './duckdb-fixture.ts';
import { randomStream } from './random-streams.ts';

const SEED = 20_261_125;
let connection: DuckDBConnection;

beforeAll(async () => {
  connection = await connect();
});

const seeds = fc.noShrink(fc.integer({ min: 0, max: 2 ** 31 - 1 }));

/** Rows in which two tables differ, as text; their order counts. */
async function difference(one: string, other: string): Promise<readonly unknown[]> {
  const rows = (table: string): string => `SELECT rowid AS at, COLUMNS(*)::VARCHAR FROM ${table}`;
  const result = await connection.runAndReadAll(`(${rows(one)} EXCEPT ${rows(other)}) UNION ALL (${rows(other)} EXCEPT ${rows(one)}) LIMIT 5`);
  return result.getRows();
}

describe('Arrow in over raw buffers', () => {
  it('puts into a table what the documented path puts there, for any schema and data', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const { bytes, rows } = randomStream(seed);
        expect(await insertArrow(connection, 'raw', bytes)).toBe(rows);
        await insertArrow(connection, 'oracle', bytes, (fields, maxBytes) => new ValueBatches(fields, maxBytes));
        expect(await difference('raw', 'oracle')).toEqual([]);
      }),
      { numRuns: 300, seed: SEED },
    );
  }, 240_000);
});
