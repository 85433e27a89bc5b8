import { beforeAll, describe, expect, it } from 'vitest';
import type { DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import { ValueBatches } from '../../bench/arrow-oracle/batches.ts';
import { ValueEncoder } from '../../bench/arrow-oracle/encoder.ts';
import { encodeArrow } from '../../src/duckdb/duckdb-to-arrow.ts';
import { connect, gather, insertArrow, type Encode } from './duckdb-fixture.ts';
import { MANY_SHAPES } from './many-shapes.ts';
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

  it('is the same when the stream comes in one piece, wherever in memory that begins', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.integer({ min: 0, max: 15 }), async (seed, offset) => {
        const { bytes, rows } = randomStream(seed);
        // A Buffer, as pipes hand them out: some of its methods are not those of its class.
        const memory = Buffer.alloc(offset + bytes.length);
        memory.set(bytes, offset);
        const before = Buffer.from(memory);
        expect(await insertArrow(connection, 'whole', memory.subarray(offset), undefined, bytes.length)).toBe(rows);
        await insertArrow(connection, 'raw', bytes);
        expect(await difference('whole', 'raw')).toEqual([]);
        expect(before.equals(memory)).toBe(true);
      }),
      { numRuns: 150, seed: SEED },
    );
  }, 240_000);
});

describe('Arrow out of raw buffers', () => {
  const outcome = (sql: string, encode: Encode): Promise<Buffer | string> => gather(connection, sql, encode).catch(String);

  /** Byte by byte: what nulls hide as well, so that nothing of anybody's leaves with it (I7). What is refused is refused alike. */
  const sameBytes = async (sql: string): Promise<Buffer | string> => {
    const raw = await outcome(sql, encodeArrow);
    const oracle = await outcome(sql, (columns, chunks) => encodeArrow(columns, chunks, (typed) => new ValueEncoder(typed)));
    expect(raw.length, sql).toBe(oracle.length);
    expect(typeof raw === 'string' ? raw === oracle : raw.equals(Buffer.from(oracle)), sql).toBe(true);
    return raw;
  };

  it('is what the documented path makes, for any schema and data', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        await insertArrow(connection, 'raw', randomStream(seed).bytes);
        await sameBytes('SELECT * FROM raw');
        await sameBytes('SELECT * FROM raw WHERE rowid % 3 <> 1');
        await sameBytes('SELECT * FROM raw ORDER BY hash(rowid)');
      }),
      { numRuns: 150, seed: SEED },
    );
  }, 240_000);

  it.each(MANY_SHAPES)('is what the documented path makes of %s', async (sql) => {
    expect(await sameBytes(sql)).toBeInstanceOf(Buffer);
  });
});
