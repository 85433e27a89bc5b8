import { tableFromArrays } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServingWindow } from '../../src/domain/serving-window.ts';
import { bodyOf, clock, ipc, name, rows, startPool, work, type OpenedSlot, type Pool } from './harness.ts';

/** A node's window that is over `ms` from now; over already when below 0. */
const windowOf = (ms: number): ServingWindow => ({ untilMs: clock.monotonicMs() + ms, offsetMs: clock.wallMs() - clock.monotonicMs() });
const LONG_MS = 600_000;
const data = ipc(tableFromArrays({ id: Int32Array.from({ length: 1_000 }, (_, index) => index) }));

describe('a worker whose node’s window is over (I5)', () => {
  let pool: Pool;
  let opened: OpenedSlot;
  const count = async (): Promise<unknown> => (await rows(opened.slot, 'SELECT count(*) FROM kept'))[0]?.[0];

  beforeAll(async () => {
    pool = await startPool({ sessionsPerWorkerMax: 2 });
    opened = await pool.open('acme');
    await opened.slot.createTable(name('kept'), { kind: 'arrow', body: bodyOf(data) }, [], work());
  });
  afterAll(async () => pool[Symbol.asyncDispose]());

  it('begins nothing and answers nothing', async () => {
    pool.engine.serveWithin(windowOf(-1));
    await expect(opened.slot.insert(name('kept'), 'arrow', bodyOf(data), work())).rejects.toMatchObject({ code: 'lease_lost' });
    await expect(rows(opened.slot, 'SELECT 1')).rejects.toMatchObject({ code: 'lease_lost' });
    await expect(opened.slot.dropTable(name('kept'), work())).rejects.toMatchObject({ code: 'lease_lost' });
    pool.engine.serveWithin(windowOf(LONG_MS));
    expect(await count()).toBe(1_000);
  });

  it('commits nothing that began before, be it an insert or a statement', async () => {
    const halves = async function* (): AsyncGenerator<Uint8Array> {
      yield data.subarray(0, data.byteLength / 2);
      pool.engine.serveWithin(windowOf(-1));
      yield data.subarray(data.byteLength / 2);
    };
    await expect(opened.slot.insert(name('kept'), 'arrow', halves(), work())).rejects.toMatchObject({ code: 'lease_lost' });
    pool.engine.serveWithin(windowOf(150));
    const long = 'INSERT INTO kept SELECT max(a.i) FROM range(100000000) a(i) WHERE a.i % 7 = 3';
    await expect(rows(opened.slot, long)).rejects.toMatchObject({ code: 'lease_lost' });
    pool.engine.serveWithin(windowOf(LONG_MS));
    expect(await count()).toBe(1_000);
  });

  it('cuts an answer that was under way, and does not end it (I8)', async () => {
    pool.engine.serveWithin(windowOf(LONG_MS));
    const { body } = await opened.slot.query({ query: "SELECT repeat('x', 1000) FROM range(100000)", format: 'arrow' }, work());
    const read = async (): Promise<void> => {
      for await (const _ of body) pool.engine.serveWithin(windowOf(-1));
    };
    await expect(read()).rejects.toMatchObject({ code: 'lease_lost' });
    pool.engine.serveWithin(windowOf(LONG_MS));
  });

  it('keeps no slot that its node does not know of', async () => {
    pool.engine.serveWithin(windowOf(-1));
    for (let round = 0; round < 3; round += 1) {
      const { slot } = await pool.open('acme');
      await expect(rows(slot, 'SELECT 1')).rejects.toMatchObject({ code: 'lease_lost' });
      expect(await slot.drop(1)).toMatchObject({ surviving: [], erasure: { memory: 'catalog_detached' } });
    }
    expect(await opened.slot.drop(2)).toMatchObject({ dropped: [{ name: 'kept', rows: 1_000 }], surviving: [] });
  });
});
