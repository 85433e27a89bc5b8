import { afterAll, beforeAll, expect, it } from 'vitest';
import { MayflyError } from '../../src/domain/errors.ts';
import { bodyOf, bytesOf, name, startPool, work, type OpenedSlot, type Pool } from '../worker/harness.ts';
import { residentBytes } from '../worker/process-usage.ts';
import { Random, randomStream } from './random-streams.ts';

/** `npm run soak` sets ten minutes. */
const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 15);
const SEED = Number(process.env['SOAK_SEED'] ?? 20_261_125);
const GROWTH_MAX_BYTES = 64_000_000;
const TABLE = name('soaked');
/** Words that lie about lengths, counts and positions. */
const WORDS = [0, 1, 7, 0x7f, 0xff, 0x10_00, 0xff_ff, 0x7f_ff_ff_ff, 0x80_00_00_00, 0xff_ff_ff_ff];

let pool: Pool;
let opened: OpenedSlot;
let lost = 'nothing';

beforeAll(async () => {
  pool = await startPool({ maxWorkers: 1, spareWorkers: 0 });
  opened = await pool.open('acme');
  void opened.slot.lost.then(({ cause, detail }) => (lost = `${cause}: ${detail}`));
});
afterAll(async () => pool[Symbol.asyncDispose]());

/** Bytes and words overwritten, a piece cut out, or the end of another stream. */
function mutated(random: Random, bytes: Uint8Array): Uint8Array {
  const out = bytes.slice();
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  for (let changes = random.nat(6); changes > 0; changes--) {
    if (random.chance(2)) out[random.nat(out.length)] = random.nat(256);
    else view.setUint32(random.nat(Math.floor((out.length - 4) / 4)) * 4, random.pick(WORDS), true);
  }
  if (random.chance(8)) return out.subarray(0, random.nat(out.length));
  if (random.chance(8)) return Buffer.concat([out.subarray(0, random.nat(out.length)), randomStream(random.nat(2 ** 31)).bytes]);
  return out;
}

/** In as a table, out again as Arrow, and gone. @returns whether it was taken */
async function roundTrip(bytes: Uint8Array, pieceBytes: number): Promise<boolean> {
  const { slot } = opened;
  try {
    await slot.createTable(TABLE, { kind: 'arrow', body: bodyOf(bytes, pieceBytes) }, [], work());
  } catch (error) {
    return refused(error);
  }
  try {
    await bytesOf((await slot.query({ query: `FROM ${TABLE}`, format: 'arrow' }, work())).body);
    return true;
  } catch (error) {
    return refused(error); // what DuckDB holds and Arrow cannot
  } finally {
    await slot.dropTable(TABLE, work());
  }
}

function refused(error: unknown): false {
  if (!(error instanceof MayflyError) || error.code === 'internal' || error.code === 'unavailable') throw error;
  return false;
}

it(
  `a worker lives through ${SECONDS} s of random and mutated Arrow, and its memory stays flat`,
  async () => {
    const [pid] = pool.pids;
    const random = new Random(SEED);
    const peaks = [0, 0, 0];
    let taken = 0;
    let turnedDown = 0;
    for (const from = Date.now(); Date.now() - from < SECONDS * 1_000;) {
      const seed = random.nat(2 ** 31);
      const { bytes } = randomStream(seed);
      const sent = random.chance(3) ? bytes : mutated(new Random(seed), bytes);
      const isTaken = await roundTrip(sent, 1 + random.nat(100_000)).catch((error: unknown) => {
        throw new Error(`The stream of seed ${seed}: ${String(error)}; the worker lost: ${lost}`, { cause: error });
      });
      if (isTaken) taken++;
      else turnedDown++;
      const third = Math.min(2, Math.floor(((Date.now() - from) * 3) / (SECONDS * 1_000)));
      peaks[third] = Math.max(peaks[third]!, residentBytes(pid!));
    }
    expect([...pool.pids]).toEqual([pid]);
    expect(lost).toBe('nothing');
    expect(Math.min(taken, turnedDown)).toBeGreaterThan(SECONDS);
    expect(peaks[2]! - peaks[0]!, `peaks of each third: ${peaks.join(', ')}`).toBeLessThan(GROWTH_MAX_BYTES);
  },
  SECONDS * 1_000 + 60_000,
);
