import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Table, Utf8, vectorFromArray } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodyOf, clock, ipc, MIB, name, rows, startPool, work, type Pool } from './harness.ts';

/** Ignores its interrupt for many seconds, once it began. */
const DEAF = 'SELECT length(list_sort(range(50000000)))';
const LONG = 'SELECT count(*) FROM range(100000000000) t(i) WHERE i % 7 = hash(i) % 11';

describe('bounds on statements', () => {
  let pool: Pool;
  beforeAll(async () => {
    pool = await startPool({ rssSlackBytes: 4_096 * MIB });
  });
  afterAll(async () => pool[Symbol.asyncDispose]());

  it('interrupts at the timeout; the session lives on', async () => {
    const { slot } = await pool.open('acme');
    await expect(rows(slot, LONG, work({ timeoutMs: 200 }))).rejects.toMatchObject({ code: 'query_timeout' });
    expect(await rows(slot, 'SELECT 1')).toEqual([[1]]);
  });

  it('cancels by signal and by interrupt; the session lives on', async () => {
    const { slot } = await pool.open('acme');
    const controller = new AbortController();
    const bySignal = rows(slot, LONG, work({ signal: controller.signal }));
    setTimeout(() => controller.abort(), 50);
    await expect(bySignal).rejects.toMatchObject({ code: 'query_cancelled' });
    const byInterrupt = rows(slot, LONG);
    await slot.interrupt();
    await expect(byInterrupt).rejects.toMatchObject({ code: 'query_cancelled' });
    await expect(rows(slot, 'SELECT 1', work({ signal: AbortSignal.abort() }))).rejects.toMatchObject({ code: 'query_cancelled' });
    expect(await rows(slot, 'SELECT 1')).toEqual([[1]]);
  });

  it('cancels an insert whose body stands still, and keeps none of it', async () => {
    const { slot } = await pool.open('acme');
    await slot.createTable(name('t'), { kind: 'columns', columns: [{ name: 'id', type: 'int' }] }, [], work());
    const still = (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('[{"id": 1},');
      await new Promise(() => undefined);
    })();
    await expect(slot.insert(name('t'), 'json', still, work({ timeoutMs: 100 }))).rejects.toMatchObject({ code: 'query_timeout' });
    expect(await rows(slot, 'SELECT count(*) FROM t')).toEqual([[0]]);
  });

  it('fails an answer whose reader stands still beyond the timeout, and never ends it tidily', async () => {
    const { slot } = await pool.open('acme');
    const answer = await slot.query({ query: "SELECT repeat('x', 1000) FROM range(100000)", format: 'arrow' }, work({ timeoutMs: 600 }));
    const body = answer.body[Symbol.asyncIterator]();
    await body.next();
    // The session takes work again once the statement was interrupted.
    expect(await rows(slot, 'SELECT 1')).toEqual([[1]]);
    await expect(
      (async () => {
        while ((await body.next()).done !== true);
      })(),
    ).rejects.toMatchObject({ code: 'query_timeout' });
  });

  it('kills the worker of a statement that ignores its interrupt', async () => {
    const { slot } = await pool.open('deaf');
    const other = await pool.open('acme');
    await expect(rows(slot, DEAF, work({ timeoutMs: 300 }))).rejects.toMatchObject({ code: 'unavailable' });
    expect(await slot.lost).toMatchObject({ cause: 'unresponsive' });
    expect(readdirSync(pool.spillRoot)).toHaveLength(pool.pids.size);
    expect(await rows(other.slot, 'SELECT 1')).toEqual([[1]]);
  });

  it('drops while a statement ignores its interrupt: the worker is lost within the bound', async () => {
    const { slot } = await pool.open('deaf');
    const idle = [...pool.pids].map((pid) => residentBytes(pid));
    const running = expect(rows(slot, DEAF)).rejects.toMatchObject({ code: 'unavailable' });
    // It has begun once it holds its list.
    await expect.poll(() => Math.max(...[...pool.pids].map((pid) => residentBytes(pid))), { timeout: 5_000 }).toBeGreaterThan(Math.max(...idle) + 300 * MIB);
    const started = performance.now();
    await expect(slot.drop(1)).rejects.toMatchObject({ code: 'unavailable' });
    expect(performance.now() - started).toBeLessThan(4_000);
    expect((await slot.lost).cause).toBe('unresponsive');
    await running;
  });
});

describe('bounds on workers', () => {
  it('never lets two tenants share a worker, says when all are taken, and makes room when one is free', async () => {
    await using pool = await startPool({ maxWorkers: 2, spareWorkers: 1, sessionsPerWorkerMax: 2 });
    const a = await pool.open('a');
    const [firstPid] = [...pool.pids];
    await pool.open('a');
    const b = await pool.open('b');
    await expect(pool.open('c')).rejects.toMatchObject({ code: 'quota_exceeded', fields: { limit: 2, quota: 'workers' } });
    await expect(pool.open('a')).rejects.toMatchObject({ code: 'quota_exceeded' });
    process.kill(firstPid!, 'SIGKILL');
    expect((await a.slot.lost).cause).toBe('exited');
    expect(await rows(b.slot, 'SELECT 1')).toEqual([[1]]);
    const c = await pool.open('c');
    await c.slot.drop(1);
    const d = await pool.open('d');
    expect(await rows(d.slot, 'SELECT 1')).toEqual([[1]]);
  });

  it('spreads a tenant over a worker a core before it packs its workers full', async () => {
    const workers = { busy: 0, spare: 0 };
    const onWorkers = (state: 'busy' | 'spare', count: number): void => void (workers[state] = count);
    await using pool = await startPool({ cores: 2, maxWorkers: 4, spareWorkers: 1, sessionsPerWorkerMax: 40, memoryLimitBytes: 16 * MIB, onWorkers });
    const open = async (sessions: number): Promise<void> => {
      for (let opened = 0; opened < sessions; opened++) await pool.open('a');
    };
    await open(32);
    expect(workers.busy).toBe(1);
    // A spare that is still starting is not waited for while there is room.
    await expect.poll(async () => (await open(1), workers.busy), { timeout: 20_000 }).toBe(2);
    await open(30);
    expect(workers.busy).toBe(2);
  }, 60_000);

  it('loses only the sessions of a worker that is killed, and opens new ones within a second', async () => {
    await using pool = await startPool();
    const a = await pool.open('a');
    const b = await pool.open('b');
    const [pidOfA] = [...pool.pids];
    // The spare has come up: an empty worker holds about 100 MB.
    await expect.poll(() => pool.pids.size).toBe(3);
    await expect.poll(() => Math.min(...[...pool.pids].map((pid) => residentBytes(pid))), { timeout: 10_000 }).toBeGreaterThan(85 * MIB);
    const running = expect(rows(a.slot, LONG)).rejects.toMatchObject({ code: 'unavailable' });
    process.kill(pidOfA!, 'SIGKILL');
    expect(await a.slot.lost).toMatchObject({ cause: 'exited', detail: expect.stringContaining('SIGKILL') });
    await running;
    const started = performance.now();
    const again = await pool.open('a');
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(await rows(again.slot, 'SELECT 1')).toEqual([[1]]);
    expect(await rows(b.slot, 'SELECT 1')).toEqual([[1]]);
  });

  it('kills a worker that holds more memory than its sessions may', async () => {
    await using pool = await startPool({ rssSlackBytes: 0, rssCheckMs: 20, spareWorkers: 0, memoryLimitBytes: 16 * MIB });
    const { slot } = await pool.open('a');
    // One value of 1 GB is memory that the limit does not see in time.
    void rows(slot, "SELECT repeat('x', 1000000000)").catch(() => undefined);
    expect((await slot.lost).cause).toBe('memory');
  });

  it('leaves no process and no file when it is closed, statements under way or not', async () => {
    const pool = await startPool();
    const { slot } = await pool.open('a');
    const running = expect(rows(slot, LONG)).rejects.toMatchObject({ code: 'unavailable' });
    const pids = [...pool.pids];
    await pool.engine.close();
    await running;
    expect(existsSync(pool.spillRoot)).toBe(false);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
    await expect(pool.open('a')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('retires a worker whose sessions left', async () => {
    await using pool = await startPool({ idleWorkerMs: 50, spareWorkers: 0, maxWorkers: 1 });
    const { slot } = await pool.open('a');
    expect(pool.pids.size).toBe(1);
    await slot.drop(1);
    await expect.poll(() => pool.pids.size).toBe(0);
    const again = await pool.open('b');
    expect(await rows(again.slot, 'SELECT 1')).toEqual([[1]]);
  });
});

describe('bounds on memory', () => {
  it('streams a result of ten million rows without gathering it', async () => {
    await using pool = await startPool({ spareWorkers: 0, memoryLimitBytes: 128 * MIB });
    const { slot } = await pool.open('a');
    const [pid] = [...pool.pids];
    const before = process.memoryUsage().rss;
    let peak = 0;
    let peakOfWorker = 0;
    let sent = 0;
    let pieces = 0;
    const { body } = await slot.query({ query: "SELECT i, i * 2 AS d, 'row ' || i AS text FROM range(10000000) t(i)", format: 'arrow' }, work());
    for await (const piece of body) {
      sent += piece.byteLength;
      peak = Math.max(peak, process.memoryUsage.rss());
      if (pieces++ % 64 === 0) peakOfWorker = Math.max(peakOfWorker, residentBytes(pid!));
    }
    expect(sent).toBeGreaterThan(250 * MIB);
    expect(peak - before).toBeLessThan(64 * MIB);
    expect(peakOfWorker).toBeLessThan((128 + 150) * MIB);
  }, 120_000);

  it('streams a large insert without gathering it', async () => {
    await using pool = await startPool({ spareWorkers: 0, memoryLimitBytes: 128 * MIB });
    const { slot } = await pool.open('a');
    const [pid] = [...pool.pids];
    const text = vectorFromArray(
      Array.from({ length: 65_536 }, (_, row) => `a text of some length, ${row % 100}`),
      new Utf8(),
    );
    const once = ipc(new Table({ id: vectorFromArray(Float64Array.from({ length: 65_536 }, (_, row) => row)), text }));
    await slot.createTable(
      name('big'),
      {
        kind: 'columns',
        columns: [
          { name: 'id', type: 'double' },
          { name: 'text', type: 'varchar' },
        ],
      },
      [],
      work(),
    );
    const before = process.memoryUsage().rss;
    let peak = 0;
    let peakOfWorker = 0;
    const body = async function* (): AsyncGenerator<Uint8Array> {
      // The batches of one stream over and over, then its end.
      const { head, batches, tail } = parts(once);
      yield head;
      for (let round = 0; round < 100; round++) {
        yield* bodyOf(batches);
        peak = Math.max(peak, process.memoryUsage().rss);
        peakOfWorker = Math.max(peakOfWorker, residentBytes(pid!));
      }
      yield tail;
    };
    expect(await slot.insert(name('big'), 'arrow', body(), work())).toEqual({ rows: 6_553_600 });
    expect(peak - before).toBeLessThan(64 * MIB);
    expect(peakOfWorker).toBeLessThan((128 + 150) * MIB);
  }, 120_000);
});

describe('a worker that stands still', () => {
  it('has as long as for a drop, not for an interrupt, to seal a session in which nothing runs; then it is replaced at once', async () => {
    const timers: { run: () => void; delayMs: number }[] = [];
    const noting = {
      ...clock,
      setTimeout: (run: () => void, delayMs: number): unknown => {
        timers.push({ run, delayMs });
        return clock.setTimeout(run, delayMs);
      },
    };
    await using pool = await startPool({ clock: noting, interruptGraceMs: 1, dropTimeoutMs: 77_000 });
    const { slot } = await pool.open('acme');
    expect(await rows(slot, 'SELECT 1')).toEqual([[1]]);
    for (const pid of pool.pids) process.kill(pid, 'SIGSTOP');
    const sealed = slot.seal();
    const bound = timers.at(-1);
    expect(bound?.delayMs).toBe(77_000);
    bound?.run();
    // Its end is not told yet, and nothing is opened on it any more.
    const next = pool.open('acme');
    await expect(sealed).rejects.toMatchObject({ code: 'unavailable' });
    expect(await slot.lost).toMatchObject({ cause: 'unresponsive' });
    for (const pid of pool.pids) process.kill(pid, 'SIGCONT');
    expect(await rows((await next).slot, 'SELECT 2')).toEqual([[2]]);
  });
});

/** An IPC stream as its schema, its batches and its end-of-stream marker. */
function parts(stream: Uint8Array): { head: Uint8Array; batches: Uint8Array; tail: Uint8Array } {
  const view = new DataView(stream.buffer, stream.byteOffset);
  const schemaEnd = 8 + view.getInt32(4, true);
  return { head: stream.subarray(0, schemaEnd), batches: stream.subarray(schemaEnd, -8), tail: stream.subarray(-8) };
}

function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * 4_096;
}
