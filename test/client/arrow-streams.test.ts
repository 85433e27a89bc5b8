import { createRequire } from 'node:module';
import type * as Arrow from 'apache-arrow';
import {
  Binary,
  Dictionary,
  Field,
  Int32,
  Int8,
  RecordBatch,
  Schema,
  Table,
  Utf8,
  tableFromArrays,
  tableFromIPC,
  tableToIPC,
  vectorFromArray,
  makeData,
  Struct,
  type Data,
} from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adoptSchema } from '../../src/client/arrow-adopt.ts';
import { readArrow } from '../../src/client/arrow-decode.ts';
import { batchStream, schemaStream } from '../../src/client/arrow-encode.ts';
import { insertBody } from '../../src/client/insert-body.ts';
import { rowsOfBatch } from '../../src/client/row-values.ts';
import type { ByteStream } from '../../src/domain/gateway.ts';
import { InvalidArrow, InvalidRows, SchemaMismatch } from '../../src/domain/errors.ts';
import { EXPECTED, everything, tableOf } from './arrow-fixtures.ts';

const bytesOf = async (body: ByteStream): Promise<Uint8Array> => Buffer.concat(await gathered(body));
const rowsOf = (batches: readonly RecordBatch[]): unknown[] => batches.flatMap((batch) => [...rowsOfBatch(batch)]);

async function gathered<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function* cutInto(bytes: Uint8Array, size: number): ByteStream {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

async function readAll(body: ByteStream): Promise<RecordBatch[]> {
  const { batches } = await readArrow(body);
  return gathered(batches);
}

describe('rows of a batch', () => {
  it('converts every type deeply and exactly', () => {
    expect([...rowsOfBatch(everything())]).toEqual(EXPECTED);
  });

  it('converts slices like the whole', () => {
    const batch = everything();
    for (const [from, to] of [
      [1, 3],
      [3, 4],
      [0, 2],
      [2, 2],
    ] as const) {
      expect([...rowsOfBatch(batch.slice(from, to))]).toEqual(EXPECTED.slice(from, to));
    }
  });

  it('keeps every column of a name, and a column called __proto__', () => {
    const schema = new Schema(['a', 'a', 'a_1', '__proto__'].map((name) => new Field(name, new Int8(), true)));
    const [data] = vectorFromArray([1], new Int8()).data;
    const children = [data, data, data, data] as Data[];
    const batch = new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: 1, nullCount: 0, children }));
    const [row] = [...rowsOfBatch(batch)];
    expect(Object.keys(row ?? {})).toEqual(['a', 'a_2', 'a_1', '__proto__']);
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  });

  it('gives bytes of their own', () => {
    const table = new Table({ b: vectorFromArray([Uint8Array.of(1, 2)], new Binary()) });
    const [row] = rowsOf(table.batches) as { b: Uint8Array }[];
    row?.b.fill(9);
    expect((rowsOf(table.batches)[0] as { b: Uint8Array }).b).toEqual(Uint8Array.of(1, 2));
  });
});

describe('an Arrow stream written', () => {
  it('is what apache-arrow itself would write, for every type', async () => {
    const table = tableOf(everything(), everything().slice(1, 4));
    const bytes = await bytesOf(batchStream(table.schema, table.batches));
    expect(Buffer.compare(bytes, tableToIPC(table, 'stream'))).toBe(0);
    expect(rowsOf(tableFromIPC(bytes).batches)).toEqual([...EXPECTED, ...EXPECTED.slice(1)]);
  });

  it('is a schema alone for an empty table', async () => {
    const schema = new Schema([new Field('n', new Int32(), false)]);
    const table = tableFromIPC(await bytesOf(schemaStream(schema)));
    expect([table.numRows, table.schema.fields[0]?.name, table.schema.fields[0]?.nullable]).toEqual([0, 'n', false]);
  });

  it('reads its source one batch ahead at most, and has no end-of-stream marker when that throws (I8)', async () => {
    const { schema, batches } = tableOf(everything());
    let read = 0;
    async function* source() {
      for (; read < 3; read += 1) yield batches[0] as RecordBatch;
      throw new Error('gone');
    }
    const body = batchStream(schema, source())[Symbol.asyncIterator]();
    await body.next();
    expect(read).toBeLessThan(2);
    const rest: Uint8Array[] = [];
    await expect(
      (async () => {
        for (let next = await body.next(); next.done !== true; next = await body.next()) rest.push(next.value);
      })(),
    ).rejects.toThrow('gone');
    expect(
      Buffer.concat(rest)
        .subarray(-8)
        .equals(Buffer.from([255, 255, 255, 255, 0, 0, 0, 0])),
    ).toBe(false);
  });

  it('takes batches whose nullability, metadata or dictionary ids differ, and refuses other columns', async () => {
    const words = (...values: string[]): RecordBatch =>
      new Table({ w: vectorFromArray(values, new Dictionary(new Utf8(), new Int32())) }).batches[0] as RecordBatch;
    const mixed = [words('a', 'b'), words('c'), words('a')];
    const read = tableFromIPC(await bytesOf(batchStream((mixed[0] as RecordBatch).schema, mixed)));
    expect(rowsOf(read.batches)).toEqual(['a', 'b', 'c', 'a'].map((w) => ({ w })));
    const ints = tableFromArrays({ w: Int32Array.of(1) }).batches[0] as RecordBatch;
    const renamed = tableFromArrays({ v: Int32Array.of(1) }).batches[0] as RecordBatch;
    const wider = tableFromArrays({ w: Int32Array.of(1), v: Int32Array.of(1) }).batches[0] as RecordBatch;
    for (const [first, second] of [
      [words('a'), ints],
      [ints, renamed],
      [ints, wider],
      [wider, ints],
    ] as const) {
      await expect(bytesOf(batchStream(first.schema, [first, second]))).rejects.toBeInstanceOf(SchemaMismatch);
    }
  });
});

describe('an Arrow stream read', () => {
  const table = tableOf(everything(), everything());
  const bytes = tableToIPC(table, 'stream');

  it('is the same however its bytes are cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: bytes.byteLength }), async (size) => {
        expect(rowsOf(await readAll(cutInto(bytes, size)))).toEqual([...EXPECTED, ...EXPECTED]);
      }),
      { numRuns: 25, examples: [[1], [7], [8]] },
    );
  });

  it('throws when it is cut at any byte, batch boundaries included (I8)', async () => {
    for (let length = 0; length < bytes.byteLength; length += length > 64 && length < bytes.byteLength - 64 ? 97 : 1) {
      await expect(readAll(cutInto(bytes.subarray(0, length), 4_096)), `cut at ${length}`).rejects.toBeInstanceOf(InvalidArrow);
    }
  });

  it('is not fooled by data that looks like the end-of-stream marker', async () => {
    const whole = tableToIPC(tableFromArrays({ n: Int32Array.of(-1, 0) }), 'stream');
    const cut = whole.subarray(0, whole.byteLength - 8);
    expect([...cut.subarray(-8)]).toEqual([255, 255, 255, 255, 0, 0, 0, 0]);
    await expect(readAll(cutInto(cut, cut.byteLength))).rejects.toBeInstanceOf(InvalidArrow);
    expect(rowsOf(await readAll(cutInto(whole, 5)))).toEqual([{ n: -1 }, { n: 0 }]);
  });

  it('has its schema when there is no batch', async () => {
    const { schema } = await readArrow(schemaStream(table.schema));
    expect(schema.fields.map((field) => field.name)).toEqual(table.schema.fields.map((field) => field.name));
  });

  it('refuses what is no Arrow stream', async () => {
    for (const text of ['{"columns":[]}', '<html>not found</html>', 'x'.repeat(1_000)]) {
      await expect(readAll(cutInto(Buffer.from(text), 100))).rejects.toBeInstanceOf(InvalidArrow);
    }
  });

  it('lets go of its source when it is left early', async () => {
    let left = false;
    async function* source() {
      try {
        yield bytes.subarray(0, bytes.byteLength - 8);
        yield bytes.subarray(bytes.byteLength - 8);
      } finally {
        left = true;
      }
    }
    const { batches } = await readArrow(source());
    await batches.next();
    await batches.return();
    expect(left).toBe(true);
  });
});

describe('Arrow objects of another copy of apache-arrow', () => {
  // The CommonJS build is a second copy beside the ES module build: its classes are others.
  const foreign = createRequire(import.meta.url)('apache-arrow') as typeof Arrow;
  const theirs = foreign.tableFromIPC(tableToIPC(tableOf(everything(), everything()), 'stream'));
  // Older copies have no shared brand, so that even `instanceof` tells them apart.
  const unbranded = (value: object): object =>
    new Proxy(value, {
      get: (target, key) => (typeof key === 'symbol' && key.description?.startsWith('apache-arrow/') === true ? undefined : Reflect.get(target, key)),
    });

  it('are not of this copy’s classes', () => {
    expect(theirs.constructor).not.toBe(Table);
    expect(unbranded(theirs.batches[0] as object)).not.toBeInstanceOf(RecordBatch);
  });

  it.each([
    ['a Table', () => theirs],
    ['batches', () => theirs.batches],
    ['unbranded batches', () => theirs.batches.map((batch) => unbranded(batch))],
    [
      'an async iterable of batches',
      async function* () {
        yield* theirs.batches;
      },
    ],
    ['a Table within an iterable', () => [theirs]],
  ])('are inserted as %s', async (_name, data) => {
    const { format, body } = await insertBody(data());
    expect(format).toBe('arrow');
    expect(rowsOf(tableFromIPC(await bytesOf(body)).batches)).toEqual([...EXPECTED, ...EXPECTED]);
  });

  it('are inserted as one RecordBatch, and mixed with our own', async () => {
    const one = await insertBody(theirs.batches[0] as RecordBatch);
    expect(rowsOf(tableFromIPC(await bytesOf(one.body)).batches)).toEqual(EXPECTED);
    const mixed = await insertBody([everything(), theirs.batches[0] as RecordBatch]);
    expect(rowsOf(tableFromIPC(await bytesOf(mixed.body)).batches)).toEqual([...EXPECTED, ...EXPECTED]);
  });

  it('give a schema', async () => {
    const schema = adoptSchema(theirs.schema);
    expect(schema.constructor).toBe(Schema);
    expect(String(tableFromIPC(await bytesOf(schemaStream(schema))).schema)).toBe(String(theirs.schema));
  });
});

describe('what may be inserted', () => {
  it.each([[5], ['text'], [null], [undefined], [Uint8Array.of(1)]])('refuses %s', async (data) => {
    await expect(insertBody(data as unknown as object)).rejects.toBeInstanceOf(InvalidRows);
  });

  it('refuses rows that are no objects, naming the line', async () => {
    for (const rows of [
      [{ n: 1 }, 2],
      [{ n: 1 }, [2]],
      [{ n: 1 }, null],
      [{ n: 1 }, { f: () => 1 }],
      [{ n: 1 }, { at: new Date(Number.NaN) }],
    ]) {
      const { body } = await insertBody(rows as object[]);
      await expect(bytesOf(body)).rejects.toMatchObject({ code: 'invalid_rows', line: 2 });
    }
    const mixed = await insertBody([everything(), { n: 1 }]);
    await expect(bytesOf(mixed.body)).rejects.toBeInstanceOf(InvalidRows);
  });

  it('sends an empty iterable as no rows', async () => {
    const { format, body } = await insertBody([]);
    expect([format, Buffer.from(await bytesOf(body)).toString()]).toEqual(['ndjson', '']);
  });

  it('sends rows as lines of JSON that lose nothing', async () => {
    const row = {
      big: 2n ** 63n - 1n,
      at: new Date(0),
      bytes: Uint8Array.of(1, 2, 3, 255),
      buffer: Buffer.from('hi'),
      nan: Number.NaN,
      inf: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      floats: Float32Array.of(0.5, Number.NaN),
      map: new Map([['k', 1n]]),
      set: new Set(['a']),
      nested: { list: [{ at: new Date(1) }, null, undefined] },
      missing: undefined,
      ['__proto__']: 1,
    };
    const { body } = await insertBody([row, {}]);
    expect(Buffer.from(await bytesOf(body)).toString()).toBe(
      '{"big":"9223372036854775807","at":"1970-01-01T00:00:00.000Z","bytes":"AQID/w==","buffer":"aGk=","nan":"NaN","inf":["Infinity","-Infinity"],' +
        '"floats":[0.5,"NaN"],"map":{"k":"1"},"set":["a"],"nested":{"list":[{"at":"1970-01-01T00:00:00.001Z"},null,null]},"__proto__":1}\n{}\n',
    );
  });

  it('sends any bytes as base64, however many', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), fc.constantFrom(0, 24_575, 24_576, 24_577, 60_000), async (head, padding) => {
        const bytes = Buffer.concat([head, new Uint8Array(padding)]);
        const { body } = await insertBody([{ bytes: new Uint8Array(bytes) }]);
        const row = JSON.parse(Buffer.from(await bytesOf(body)).toString()) as { bytes: string };
        expect(Buffer.from(row.bytes, 'base64').equals(bytes)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('refuses a row that contains itself', async () => {
    const row: Record<string, unknown> = {};
    row['self'] = row;
    const { body } = await insertBody([row]);
    await expect(bytesOf(body)).rejects.toMatchObject({ code: 'invalid_rows', line: 1 });
  });
});
