import { beforeAll, describe, expect, it } from 'vitest';
import type { DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import {
  Binary,
  Bool,
  DateDay,
  Dictionary,
  Field,
  FixedSizeList,
  Float64,
  Int32,
  Int64,
  List,
  Struct,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { InvalidArrow, MayflyError } from '../../src/domain/errors.ts';
import { openArrowStream } from '../../src/duckdb/arrow-to-duckdb.ts';
import { connect, loadArrow, pieces, selectArrow } from './duckdb-fixture.ts';

const SEED = 20_261_124;
let connection: DuckDBConnection;

beforeAll(async () => {
  connection = await connect();
});

function sample(): Uint8Array {
  const person = new Struct([new Field('name', new Utf8(), true), new Field('age', new Int32(), true)]);
  const table = new Table({
    id: vectorFromArray([1n, null, 3n], new Int64()),
    text: vectorFromArray(['héllo', null, 'a string longer than an inlined one'], new Utf8()),
    bytes: vectorFromArray([Uint8Array.of(1, 2), null, Uint8Array.of()], new Binary()),
    flag: vectorFromArray([true, false, null], new Bool()),
    number: vectorFromArray([1.5, Number.NaN, null], new Float64()),
    day: vectorFromArray([new Date(0), null, new Date(86_400_000)], new DateDay()),
    kind: vectorFromArray(['a', 'b', 'a'], new Dictionary(new Utf8(), new Int32())),
    list: vectorFromArray([['x', 'y'], null, []], new List(new Field('item', new Utf8(), true))),
    pair: vectorFromArray([[1, 2], null, [3, 4]], new FixedSizeList(2, new Field('item', new Int32(), true))),
    person: vectorFromArray([{ name: 'Ada', age: 36 }, null, { name: null, age: 1 }], person),
  });
  return tableToIPC(table, 'stream');
}

async function read(bytes: Uint8Array): Promise<number> {
  const input = await openArrowStream(pieces(bytes, 64 * 1_024), { messageMaxBytes: 1_048_576 });
  for await (const { chunk } of input.chunks()) expect(chunk.rowCount).toBeLessThanOrEqual(2_048);
  return input.rows;
}

describe('a hostile Arrow stream', () => {
  it('is read whole, whatever pieces it comes in', async () => {
    const bytes = sample();
    for (const size of [1, 7, 64, bytes.length]) expect(await loadArrow(connection, bytes, size)).toBe(3);
    expect((await selectArrow(connection, 'SELECT text FROM t')).toArray().map((row) => row.text)).toEqual([
      'héllo',
      null,
      'a string longer than an inlined one',
    ]);
  });

  it('is refused when it is cut at any byte (I8)', async () => {
    const bytes = sample();
    for (let length = 0; length < bytes.length; length++) {
      await expect(read(bytes.subarray(0, length)), `cut at ${length}`).rejects.toBeInstanceOf(InvalidArrow);
    }
  });

  it('is refused when something follows its end', async () => {
    await expect(read(Buffer.concat([sample(), Uint8Array.of(0)]))).rejects.toBeInstanceOf(InvalidArrow);
    await expect(read(Buffer.concat([sample(), sample()]))).rejects.toBeInstanceOf(InvalidArrow);
  });

  it.each([
    ['a text', Buffer.from('id,name\n1,Ada\n')],
    ['an HTML page', Buffer.from('<!doctype html><html></html>')],
    ['JSON', Buffer.from('[{"id": 1}]')],
    ["Arrow's file format", tableToIPC(new Table({ id: vectorFromArray([1n], new Int64()) }), 'file')],
    ['nothing', Buffer.alloc(0)],
    ['bytes of ones', Buffer.alloc(100, 0xff)],
  ])('that is %s is refused as what it is not', async (_name, bytes) => {
    await expect(read(bytes)).rejects.toBeInstanceOf(InvalidArrow);
  });

  it('loads or is refused by a typed error after any change of its bytes, and never hurts DuckDB', async () => {
    const bytes = sample();
    const change = fc.record({ at: fc.nat(bytes.length - 1), byte: fc.constantFrom(0, 1, 0x7f, 0x80, 0xc3, 0xff) });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const mutated = bytes.slice();
        for (const { at, byte } of changes) mutated[at] = byte;
        try {
          await read(mutated);
        } catch (error) {
          refused++;
          if (!(error instanceof MayflyError) || error.code === 'internal') throw error;
        }
      }),
      { numRuns: 20_000, seed: SEED },
    );
    expect(refused).toBeGreaterThan(1_000);
  }, 120_000);

  it('cannot put a string into DuckDB that is not UTF-8 or ends inside a character', async () => {
    const bytes = tableToIPC(new Table({ text: vectorFromArray(['é'.repeat(20)], new Utf8()) }), 'stream');
    const at = Buffer.from(bytes).indexOf(Buffer.from('éé'));
    const mutated = bytes.slice();
    mutated[at] = 0xff;
    await expect(loadArrow(connection, mutated)).rejects.toBeInstanceOf(InvalidArrow);
    const end = Buffer.from(bytes).lastIndexOf(Buffer.from(Int32Array.of(0, 40).buffer));
    const cut = bytes.slice();
    cut[end + 4] = 39;
    await expect(loadArrow(connection, cut)).rejects.toBeInstanceOf(InvalidArrow);
  });
});
