import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { MIB, name, rows, startPool, work, type OpenedSlot, type Pool } from './harness.ts';

const VISIBLE = 'SELECT table_name FROM information_schema.tables';

async function sessionWithTable(pool: Pool, query = 'SELECT 42 AS secret'): Promise<OpenedSlot> {
  const opened = await pool.open('acme');
  await opened.slot.createTable(name('private'), { kind: 'query', query }, [], work());
  return opened;
}

/** Opens and ends a session, of whose slot nothing else is kept. */
async function passingSlot(pool: Pool): Promise<WeakRef<object>> {
  const { slot } = await pool.open('acme');
  await slot.drop(1);
  return new WeakRef(slot);
}

/** Folders that DuckDB made to spill into. */
function spillFolders(pool: Pool): string[] {
  return readdirSync(pool.spillRoot).flatMap((worker) => readdirSync(join(pool.spillRoot, worker)));
}

describe('the slot of a session that ended', () => {
  it('serves the next one of its tenant, which sees nothing of the last (I7)', async () => {
    await using pool = await startPool({ spareWorkers: 0, maxWorkers: 1 });
    for (let session = 0; session < 12; session++) {
      const { slot } = await sessionWithTable(pool);
      expect(await rows(slot, 'SELECT secret FROM private')).toEqual([[42]]);
      const { erasure, dropped } = await slot.drop(1);
      expect([erasure.memory, erasure.spill, dropped]).toEqual(['catalog_detached', 'none', [{ name: 'private', rows: 1 }]]);
      const next = await pool.open('acme');
      await expect(rows(next.slot, 'SELECT * FROM private')).rejects.toMatchObject({ code: 'query_error' });
      await expect(rows(next.slot, VISIBLE)).rejects.toMatchObject({ code: 'statement_not_allowed' });
      await next.slot.drop(1);
    }
  });

  it('leaves nothing behind in the node, however long its worker runs', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    await using pool = await startPool({ spareWorkers: 0 });
    const slot = await passingSlot(pool);
    await expect.poll(() => (collect(), slot.deref() === undefined)).toBe(true);
    expect(pool.pids.size).toBe(1);
  });

  it('is destroyed when reuse is off', async () => {
    await using pool = await startPool({ spareWorkers: 0, reuseSlots: false });
    const { slot } = await sessionWithTable(pool);
    expect((await slot.drop(1)).erasure).toEqual({ memory: 'instance_closed', spill: 'none', journal: 'no_row_data' });
  });

  it('is destroyed when the session was large', async () => {
    await using pool = await startPool({ spareWorkers: 0 });
    const { slot } = await sessionWithTable(pool, 'SELECT i, md5(i::VARCHAR) AS h FROM range(2000000) t(i)');
    expect((await slot.drop(1)).erasure.memory).toBe('instance_closed');
  });

  it('is destroyed with its files when it spilled; the limit is answered, and the session lived on', async () => {
    await using pool = await startPool({ spareWorkers: 0, memoryLimitBytes: 64 * MIB });
    const { slot } = await pool.open('acme');
    await expect(rows(slot, "SELECT length(list(i::VARCHAR || repeat('x', 100))) FROM range(3000000) t(i)")).rejects.toMatchObject({
      code: 'memory_limit_exceeded',
    });
    await slot.createTable(name('big'), { kind: 'query', query: 'SELECT i, md5(i::VARCHAR) AS h FROM range(3000000) t(i)' }, [], work());
    expect(spillFolders(pool)).toHaveLength(1);
    const { erasure, dropped } = await slot.drop(1);
    expect([erasure.memory, erasure.spill, dropped]).toEqual(['instance_closed', 'removed', [{ name: 'big', rows: 3_000_000 }]]);
    expect(spillFolders(pool)).toEqual([]);
  });

  it('serves sessions that follow one another at once, eight in flight', async () => {
    await using pool = await startPool({ spareWorkers: 0, sessionsPerWorkerMax: 8 });
    const lifes = Array.from({ length: 8 }, async (_, lane) => {
      for (let round = 0; round < 8; round++) {
        const { slot } = await sessionWithTable(pool, `SELECT ${lane * 100 + round} AS secret`);
        expect(await rows(slot, 'SELECT secret FROM private')).toEqual([[lane * 100 + round]]);
        expect((await slot.drop(1)).surviving).toEqual([]);
      }
    });
    await Promise.all(lifes);
  });
});
