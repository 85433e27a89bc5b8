import { readFileSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { MayflyError } from '../../src/domain/errors.ts';
import { BufferDecompressor } from '../../src/duckdb/arrow-compression.ts';
import type { FlatTable } from '../../src/duckdb/arrow-flatbuffer.ts';
import { readLz4Frame } from '../../src/duckdb/lz4-frame.ts';
import { connect, loadArrow, selectJson } from './duckdb-fixture.ts';

/** One table as pyarrow writes it, in batches of 50 rows, with a dictionary. */
const streamOf = (kind: string): Buffer => readFileSync(new URL(`compressed/${kind}.arrows`, import.meta.url));

let connection: DuckDBConnection;

beforeAll(async () => {
  connection = await connect();
});

describe.each(['lz4', 'zstd'])('buffers in %s', (codec) => {
  it('hold what they held before they were compressed', async () => {
    await loadArrow(connection, streamOf('plain'));
    const plain = await selectJson(connection, 'FROM t');
    expect(await loadArrow(connection, streamOf(codec), 333)).toBe(120);
    expect(await selectJson(connection, 'FROM t')).toBe(plain);
  });

  it('that are changed anywhere are read as something else or refused, and never break', async () => {
    const whole = streamOf(codec);
    const edit = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
        const bytes = Buffer.from(whole);
        for (const [at, byte] of edits) bytes[at] = byte;
        try {
          await loadArrow(connection, bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MayflyError);
          expect(['invalid_arrow', 'unsupported_type', 'value_out_of_range', 'payload_too_large']).toContain((error as MayflyError).code);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('that are cut off are refused', async () => {
    const whole = streamOf(codec);
    for (let cut = 1; cut < whole.length; cut += 97) {
      await expect(loadArrow(connection, whole.subarray(0, cut))).rejects.toMatchObject({ code: 'invalid_arrow' });
    }
  });
});

interface Sequence {
  readonly literals: Uint8Array;
  readonly distance: number;
  readonly length: number;
}

/** An LZ4 frame put together by its definition, and what it stands for. */
function frameOf(sequences: readonly Sequence[], last: Uint8Array): { frame: Buffer; bytes: Buffer } {
  const more = (length: number): number[] => (length < 15 ? [] : [...Array.from({ length: Math.floor((length - 15) / 255) }, () => 255), (length - 15) % 255]);
  const output: number[] = [];
  const block: number[] = [];
  for (const { literals, distance: asked, length } of sequences) {
    output.push(...literals);
    const distance = 1 + (asked % output.length);
    block.push((Math.min(15, literals.length) << 4) | Math.min(15, length - 4), ...more(literals.length), ...literals);
    block.push(distance & 255, distance >> 8, ...more(length - 4));
    for (let index = 0; index < length; index++) output.push(output.at(-distance)!);
  }
  block.push(Math.min(15, last.length) << 4, ...more(last.length), ...last);
  output.push(...last);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(block.length);
  return { frame: Buffer.concat([Buffer.from([4, 0x22, 0x4d, 0x18, 0x40, 0x70, 0]), size, Buffer.from(block), Buffer.alloc(4)]), bytes: Buffer.from(output) };
}

describe('LZ4', () => {
  const sequence = fc.record({ literals: fc.uint8Array({ minLength: 1, maxLength: 40 }), distance: fc.nat(60_000), length: fc.integer({ min: 4, max: 700 }) });
  const frames = fc.tuple(fc.array(sequence, { maxLength: 8 }), fc.uint8Array({ maxLength: 600 }));

  it('frames are read as their definition has it', () => {
    fc.assert(
      fc.property(frames, ([sequences, last]) => {
        const { frame, bytes } = frameOf(sequences, last);
        const output = Buffer.alloc(bytes.length);
        readLz4Frame(frame, output);
        expect(output.equals(bytes)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('frames of another size, cut off or changed fill nothing but their own output', () => {
    fc.assert(
      fc.property(frames, fc.integer({ min: -5, max: 5 }), fc.nat(1_000), fc.nat(255), ([sequences, last], off, place, byte) => {
        const { frame, bytes } = frameOf(sequences, last);
        const outputBytes = Math.max(0, bytes.length + off);
        const around = Buffer.alloc(outputBytes + 64, 7);
        const output = around.subarray(32, 32 + outputBytes);
        if (off === 0) frame[place % frame.length] = byte;
        const read = (): void => readLz4Frame(frame, output);
        if (outputBytes !== bytes.length) expect(read).toThrow();
        try {
          read();
        } catch (error) {
          expect(error instanceof RangeError || (error as MayflyError).code === 'invalid_arrow').toBe(true);
        }
        expect([around.subarray(0, 32), around.subarray(-32)]).toEqual([Buffer.alloc(32, 7), Buffer.alloc(32, 7)]);
        expect(() => readLz4Frame(frame.subarray(0, place % frame.length), output)).toThrow();
      }),
      { numRuns: 500 },
    );
  });
});

it('a batch that announces more than it may hold is refused before anything is allocated', () => {
  const compression = { int8: () => 0 };
  const reader = BufferDecompressor.of({ table: () => compression } as unknown as FlatTable)!;
  const announcing = (bytes: bigint): Uint8Array => {
    const buffer = Buffer.alloc(24);
    buffer.writeBigInt64LE(bytes);
    return buffer;
  };
  expect(() => reader.read(announcing(1n << 30n))).toThrow(expect.objectContaining({ code: 'payload_too_large' }));
  expect(() => reader.read(announcing(-2n))).toThrow(expect.objectContaining({ code: 'invalid_arrow' }));
});
