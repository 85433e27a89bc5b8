import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Mayfly } from '../../src/index.ts';
import type { LifecycleRecord, MayflyHandle, SessionHandle } from '../../src/index.ts';
import { cpuMs, residentBytes } from '../worker/process-usage.ts';
import { DEPLOYMENTS } from './deployments.ts';
import type { Deployment } from './deployments.ts';
import { emptyStartsMs } from './empty-starts.ts';

const AT_ONCE = 50;
/** A statement that ignores its interrupt loses its worker after this. */
const INTERRUPT_BOUND_MS = 2_000;
const ANSWER_MAX_MS = 2_500;
/** What both together are on a free machine, in starts of empty processes. */
const ANSWER_MAX_EMPTY_STARTS = 80;
const LONG = 'SELECT count(*) FROM range(100000000000) t(i) WHERE i % 7 = hash(i) % 11';
/** Ignores its interrupt for many seconds, once it began. */
const DEAF = 'SELECT length(list_sort(range(50000000)))';

describe.each(Object.keys(DEPLOYMENTS))('a close that meets another end, on %s', (nodes) => {
  let folder: string;
  let deployment: Deployment;
  let mayfly: MayflyHandle;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mayfly-races-'));
    deployment = await DEPLOYMENTS[nodes]!(folder, '--drain-ms', '0', '--memory-limit', '2GB', '--sessions-per-worker', '64');
    mayfly = await Mayfly.connect(deployment.next(), { direct: false, fetch: deployment.fetch });
  });

  afterAll(async () => {
    await mayfly.close();
    expect(new Set(await deployment.stop())).toEqual(new Set([0]));
    await rm(folder, { recursive: true });
  });

  async function openWithRows(rows: number, options: { readonly timeout?: number; readonly tenant?: string } = {}): Promise<SessionHandle> {
    const { tenant = 'acme', ...session } = options;
    const opened = await mayfly.tenant(tenant).openSession(session);
    await opened.createTableAs('kept', `SELECT i FROM range(${rows}) t(i)`);
    return opened;
  }

  const workersUse = (of: (pid: number) => number): number => deployment.workers().reduce((sum, pid) => sum + of(pid), 0);

  const answerBoundMs = async (): Promise<number> => Math.max(INTERRUPT_BOUND_MS + ANSWER_MAX_MS, ANSWER_MAX_EMPTY_STARTS * (await emptyStartsMs()));

  async function endsInLog({ id, tenant }: SessionHandle): Promise<LifecycleRecord[]> {
    const records: LifecycleRecord[] = [];
    for await (const { record } of mayfly.tenant(tenant).lifecycle({ sessionId: id })) records.push(record);
    expect(records.shift()).toMatchObject({ event: 'opened' });
    return records;
  }

  it('I1, I6: at its deadline, from just before to just after: one record, the one that all are told', async () => {
    const sessions = await Promise.all(Array.from({ length: 24 }, (_, index) => openWithRows(index, { timeout: 3_000 })));
    const closings = sessions.map(async (session, index) => {
      const dueInMs = session.expiresAt!.getTime() - Date.now();
      await new Promise((resolve) => setTimeout(resolve, dueInMs + (index - 12) * 2));
      return Promise.all([session.close(), session.close(), session.ended]);
    });
    for (const [index, records] of (await Promise.all(closings)).entries()) {
      const [record] = records;
      expect(records).toEqual([record, record, record]);
      expect(record).toMatchObject({ ephemeral_table_count: 1, deleted_row_count: index, details: { counted: 'exact' } });
      expect([record.event, record.details?.reason]).toBeOneOf([
        ['closed', 'close'],
        ['timed_out', 'deadline'],
      ]);
      expect(await endsInLog(sessions[index]!)).toEqual([record]);
    }
  });

  it('I1, I6: in 50 sessions at once: each its own record, with its own count', async () => {
    const sessions = await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => openWithRows(index)));
    const records = await Promise.all(sessions.map((session) => session.close()));
    for (const [index, record] of records.entries()) {
      expect(record).toMatchObject({ event: 'closed', deleted_row_count: index, details: { counted: 'exact', proof: 'dropped' } });
      expect(await endsInLog(sessions[index]!)).toEqual([record]);
    }
  });

  it('I1, I5: 50 times at once in the middle of a long statement: one record, soon', async () => {
    const session = await openWithRows(7);
    const statement = expect(session.rows(LONG)).rejects.toMatchObject({ code: 'session_ended' });
    const idleMs = workersUse(cpuMs);
    await expect.poll(() => workersUse(cpuMs)).toBeGreaterThan(idleMs + 200);
    const boundMs = await answerBoundMs();
    const began = performance.now();
    const records = await Promise.all(Array.from({ length: AT_ONCE }, () => session.close()));
    expect(performance.now() - began).toBeLessThan(boundMs);
    await statement;
    expect(records[0]).toMatchObject({ event: 'closed', deleted_row_count: 7, details: { counted: 'exact', proof: 'dropped' } });
    expect(new Set(records.map((record) => JSON.stringify(record))).size).toBe(1);
    expect(await endsInLog(session)).toEqual([records[0]]);
  });

  it('I4, I6: in the middle of a statement that heeds no interrupt: its worker dies for it, and the record says so', async () => {
    const session = await openWithRows(7, { tenant: 'deaf' });
    const statement = expect(session.rows(DEAF)).rejects.toMatchObject({ code: 'session_ended' });
    // It has begun once it holds its list.
    const idleBytes = workersUse(residentBytes);
    await expect.poll(() => workersUse(residentBytes)).toBeGreaterThan(idleBytes + 300 * 1_024 * 1_024);
    const boundMs = await answerBoundMs();
    const began = performance.now();
    const record = await session.close();
    expect(performance.now() - began).toBeLessThan(boundMs);
    await statement;
    expect(record).toMatchObject({ event: 'closed', deleted_row_count: 7, details: { counted: 'last_acknowledged', proof: 'process_exit' } });
    expect(await endsInLog(session)).toEqual([record]);
  });
});
