import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asMayflyError } from '../../src/domain/errors.ts';
import { parseSessionId } from '../../src/domain/ids.ts';
import { parseLogicalName } from '../../src/domain/table-name.ts';
import type { Sandbox } from '../../src/duckdb/sandbox.ts';
import { SlotPool, type SlotErasure } from '../../src/duckdb/slot-pool.ts';
import { createSqlPolicy, type SqlPolicy } from '../../src/duckdb/sql-policy.ts';
import { TableEngineSlot } from '../../src/duckdb/table-engine.ts';

const MIB = 1_048_576;
const kept = parseLogicalName('kept');
let policy: SqlPolicy;

beforeAll(async () => {
  policy = await createSqlPolicy();
});
afterAll(() => policy.close());

/** A pool whose first releases end the sandbox and then fail, as when a disk gives back no file. */
class FailingPool extends SlotPool {
  failures = 0;
  taken: Sandbox | undefined;

  override async take(): Promise<Sandbox> {
    this.taken = await super.take();
    return this.taken;
  }

  override async release(sandbox: Sandbox): Promise<SlotErasure> {
    const erasure = await super.release(sandbox);
    if (this.failures-- > 0) throw new Error('the disk is away');
    return erasure;
  }
}

interface Step {
  readonly sql: string;
  /** The reader leaves before the first row. */
  readonly isLeft?: true;
  readonly isInterrupted?: true;
}

const STEPS: readonly Step[] = [
  { sql: 'INSERT INTO kept SELECT max(range) + 1 FROM kept' },
  { sql: 'INSERT INTO kept VALUES (0)' },
  { sql: 'INSERT INTO kept SELECT * FROM range(1000) ON CONFLICT DO NOTHING' },
  { sql: 'DELETE FROM kept WHERE range = 1' },
  { sql: 'DELETE FROM kept WHERE range % 2 = 0 RETURNING range', isLeft: true },
  { sql: 'UPDATE kept SET range = range + 5000 RETURNING range' },
  { sql: 'INSERT INTO kept SELECT 10000 + range FROM range(3000000)', isInterrupted: true },
];

/** Takes a step to its end. @returns 'done', or the code of the error it ended in */
async function take(slot: TableEngineSlot, { sql, isLeft, isInterrupted }: Step): Promise<string> {
  const running = slot.query({ query: sql, format: 'json' }, async () => undefined);
  if (isInterrupted === true) setImmediate(() => slot.interrupt());
  try {
    const { body } = await running;
    for await (const _piece of body) if (isLeft === true) break;
    return 'done';
  } catch (error) {
    return asMayflyError(error).code;
  }
}

async function slotOfThreeRows(): Promise<{ pool: FailingPool; slot: TableEngineSlot }> {
  const limits = { memoryLimitBytes: 64 * MIB, spillDirectory: path.join(tmpdir(), `mayfly-drop-${randomUUID()}`), spillMaxBytes: MIB, threads: 1 };
  const pool = new FailingPool({ ahead: 0, limits, reuse: false });
  const options = { session: parseSessionId(randomUUID()), messageMaxBytes: MIB, isFenced: () => false };
  const slot = await TableEngineSlot.open(pool, policy, options);
  await slot.createTable(kept, { kind: 'query', query: 'SELECT * FROM range(3)' }, ['range']);
  return { pool, slot };
}

describe('a drop', () => {
  it('that failed after its tables were gone is tried again, and tells the rows they had (I4, I6)', async () => {
    const { pool, slot } = await slotOfThreeRows();
    pool.failures = 1;
    await expect(slot.drop(1)).rejects.toThrow('the disk is away');
    const receipt = { token: 2, dropped: [{ name: kept, rows: 3 }], counted: 'exact', surviving: [], erasure: { memory: 'instance_closed' } };
    expect(await slot.drop(2)).toMatchObject(receipt);
    await slot.seal();
    expect(await slot.drop(3)).toMatchObject(receipt);
  });

  it('tells the rows there were, whatever was done, refused, left and interrupted before (I6)', async () => {
    const outcomes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...STEPS), { maxLength: 6 }), async (steps) => {
        const { pool, slot } = await slotOfThreeRows();
        for (const step of steps) outcomes.add(await take(slot, step));
        const held = await pool.taken!.connection.runAndReadAll('SELECT count(*) FROM mutable.public.kept');
        const rows = Number(held.getRows()[0]?.[0]);
        expect(await slot.drop(1)).toMatchObject({ dropped: [{ name: kept, rows }], counted: 'exact' });
      }),
      { numRuns: 40 },
    );
    expect([...outcomes]).toEqual(expect.arrayContaining(['done', 'constraint_violation', 'query_cancelled']));
  });

  it('is not held up by a count that fails: it tells the rows of the last commit, and that it does (I3, I6)', async () => {
    const { pool, slot } = await slotOfThreeRows();
    // Something failed, so that they have to be counted.
    await expect(take(slot, { sql: "SELECT error('no')" })).resolves.toBe('query_error');
    await pool.taken?.connection.run('DROP TABLE mutable.public.kept');
    expect(await slot.drop(1)).toMatchObject({ dropped: [{ name: kept, rows: 3 }], counted: 'last_acknowledged', surviving: [] });
  });
});

describe('a sandbox that could not be made', () => {
  it('is not what the next session gets', async () => {
    let threads = -1;
    const spillDirectory = path.join(tmpdir(), `mayfly-drop-${randomUUID()}`);
    const limits = {
      memoryLimitBytes: 64 * MIB,
      spillDirectory,
      spillMaxBytes: MIB,
      get threads() {
        return threads;
      },
    };
    const pool = new SlotPool({ ahead: 1, limits, reuse: false });
    await expect(pool.fill()).rejects.toThrow(/config/i);
    threads = 1;
    const sandbox = await pool.take();
    expect((await sandbox.connection.runAndReadAll('SELECT 42')).getRows()).toEqual([[42]]);
    await pool.release(sandbox);
    await pool.close();
  });
});

describe('a statement that is refused while it is interrupted', () => {
  it('does not interrupt the next one', async () => {
    const { slot } = await slotOfThreeRows();
    const refused = slot.query({ query: "SELECT * FROM read_csv('nothing')", format: 'json' }, async () => undefined);
    slot.interrupt();
    const interrupted = setInterval(() => slot.interrupt(), 1);
    await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/statement_not_allowed|query_cancelled/) });
    clearInterval(interrupted);
    const long = await slot.query({ query: 'SELECT count(*) FROM range(50000000) t(i) WHERE i % 2 = 0', format: 'json' }, async () => undefined);
    const parts: Uint8Array[] = [];
    for await (const part of long.body) parts.push(part);
    expect(Buffer.concat(parts).toString()).toContain('25000000');
    await slot.drop(1);
  });
});
