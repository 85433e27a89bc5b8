import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

async function slotOfThreeRows(): Promise<{ pool: FailingPool; slot: TableEngineSlot }> {
  const limits = { memoryLimitBytes: 64 * MIB, spillDirectory: path.join(tmpdir(), `mayfly-drop-${randomUUID()}`), spillMaxBytes: MIB, threads: 1 };
  const pool = new FailingPool({ ahead: 0, limits, reuse: false });
  const options = { session: parseSessionId(randomUUID()), messageMaxBytes: MIB, isFenced: () => false };
  const slot = await TableEngineSlot.open(pool, policy, options);
  await slot.createTable(kept, { kind: 'query', query: 'SELECT * FROM range(3)' }, []);
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

  it('is not held up by a count that fails: it tells the rows of the last commit, and that it does (I3, I6)', async () => {
    const { pool, slot } = await slotOfThreeRows();
    await pool.taken?.connection.run('DROP TABLE mutable.public.kept');
    expect(await slot.drop(1)).toMatchObject({ dropped: [{ name: kept, rows: 3 }], counted: 'last_acknowledged', surviving: [] });
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
