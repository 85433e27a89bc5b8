import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeProcess } from '../../src/cli/cluster/node-process.ts';
import { Mayfly } from '../../src/index.ts';
import type { LifecycleRecord, MayflyHandle, SessionHandle } from '../../src/index.ts';
import { cpuMs } from '../worker/process-usage.ts';
import { DEPLOYMENTS } from './deployments.ts';
import type { Deployment } from './deployments.ts';
import { emptyStartsMs } from './empty-starts.ts';

const SESSIONS = 50;
/** Holds more than a session's memory. */
const SPILLING = 'SELECT count(*), max(n) FROM (SELECT row_number() OVER (ORDER BY hash(i)) AS n, i FROM range(100000000) t(i)) WHERE n + i > 7';
const BUSY = 'SELECT count(*) AS n FROM range(100000000) t(i) WHERE i % 7 = hash(i) % 11';
const OPEN_MAX_MS = 1_000;
/** What a second is on a free machine, in starts of empty processes. */
const OPEN_MAX_EMPTY_STARTS = 20;

/** Terminal records by session, as the log replays them. */
async function endsOf(mayfly: MayflyHandle): Promise<Map<string, LifecycleRecord[]>> {
  const ends = new Map<string, LifecycleRecord[]>();
  for await (const { record } of mayfly.tenant('acme').lifecycle({ from: 0 })) {
    if (record.event === 'opened') continue;
    ends.set(record.session_id, [...(ends.get(record.session_id) ?? []), record]);
  }
  return ends;
}

/** Whether the process runs or could go on; a dead one that nobody has reaped yet (state Z) does not. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const state = stat.slice(stat.lastIndexOf(')') + 2)[0];
  return state !== undefined && state !== 'Z';
}

/** Changes that were acknowledged after the table was made: a record counts them. */
async function changeSome([emptied, filled, parted]: readonly SessionHandle[]): Promise<void> {
  await emptied?.sql('DELETE FROM kept');
  await filled?.insert(
    'kept',
    Array.from({ length: 40 }, (_, i) => ({ i })),
  );
  await parted?.createTableAs('gone', 'SELECT i FROM range(5) t(i)');
  await parted?.dropTable('gone');
}

async function openWithRows(mayfly: MayflyHandle, rows: number): Promise<SessionHandle> {
  const session = await mayfly.tenant('acme').openSession();
  await session.createTableAs('kept', `SELECT i FROM range(${rows}) t(i)`);
  return session;
}

describe.each(Object.keys(DEPLOYMENTS))('a crash, on %s', (nodes) => {
  let folder: string;
  let deployment: Deployment;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mayfly-crash-'));
    deployment = await DEPLOYMENTS[nodes]!(folder, '--sessions-per-worker', '64');
  });

  afterEach(async () => {
    const workers = deployment.workers();
    await deployment.kill();
    await deployment.stop();
    // One that starts just now makes its folder yet.
    for (const pid of workers) await expect.poll(() => isAlive(pid)).toBe(false);
    await rm(folder, { recursive: true });
  });

  const connect = () => Mayfly.connect(deployment.next(), { direct: false, fetch: deployment.fetch });

  /** What statements spilled; folders of workers that live are there always. */
  const spillFiles = async () => (await deployment.spilled()).filter((file) => file.includes('.'));

  it.each(['alive', 'stopped'])(
    'I3: killed nodes owe their %s workers’ sessions an end, and pay at the next start, before they are ready',
    async (workers) => {
      const first = await connect();
      const sessions = await Promise.all(Array.from({ length: SESSIONS }, (_, index) => openWithRows(first, index + 1)));
      await changeSome(sessions);
      const underWay = sessions[3]?.rows(SPILLING).catch(() => 'cut');
      await expect.poll(() => spillFiles()).not.toEqual([]);
      const pids = deployment.workers();
      expect(pids.length).toBeGreaterThan(0);
      if (workers === 'stopped') for (const pid of pids) process.kill(pid, 'SIGSTOP');
      await deployment.kill();
      expect(await underWay).toBe('cut');

      await deployment.start();
      for (const pid of pids) await expect.poll(() => isAlive(pid)).toBe(false);
      const ends = await endsOf(await connect());
      expect(ends.size).toBe(SESSIONS);
      for (const [index, session] of sessions.entries()) {
        const [record, ...more] = ends.get(session.id) ?? [];
        expect(more).toEqual([]);
        expect(record).toMatchObject({
          event: 'timed_out',
          ephemeral_table_count: index === 2 ? 2 : 1,
          deleted_row_count: [0, 2 + 40, 3 + 5][index] ?? index + 1,
          details: { reason: 'process_exit', proof: 'process_exit', counted: 'last_acknowledged' },
        });
      }
      expect(await spillFiles()).toEqual([]);
    },
    90_000,
  );

  it('refuses a second process on a folder, in words that name it', async () => {
    const second = new NodeProcess({ folder: join(folder, 'node-1'), port: 0, nodeId: 'node-1', flags: [] });
    await expect(second.start()).rejects.toThrow(/data_dir_locked/);
  });

  it('I4: ends the sessions of a killed worker alone, unnoticed by others, and opens new ones within a second', async () => {
    const mayfly = await connect();
    const spares = new Map(deployment.nodes.map((node) => [node.nodeId, node.workers()]));
    const lost = await openWithRows(mayfly, 7);
    const other = await mayfly.tenant('other').openSession();
    await other.createTableAs('mine', 'SELECT 1 AS one');
    const [held] = await mayfly.tenant('acme').sessions();
    // A node gives its first spare to its first tenant.
    const [taken] = spares.get(held?.node_id ?? '') ?? [];
    const failing = lost.rows(BUSY).catch((error: unknown) => error);
    const unnoticed = other.rows(BUSY);
    await expect.poll(() => cpuMs(taken!)).toBeGreaterThan(1_000);
    const empty = await emptyStartsMs();
    process.kill(taken!, 'SIGKILL');
    const record = await lost.ended;
    expect(record).toMatchObject({ event: 'timed_out', deleted_row_count: 7 });
    expect(record.details).toMatchObject({ reason: 'worker_lost', proof: 'process_exit', counted: 'last_acknowledged' });
    expect(await failing).toMatchObject({ code: 'session_ended', ended: record });
    const began = performance.now();
    const fresh = await mayfly.tenant('acme').openSession();
    expect(performance.now() - began).toBeLessThan(Math.max(OPEN_MAX_MS, OPEN_MAX_EMPTY_STARTS * empty));
    expect(await fresh.rows('SELECT 42 AS answer')).toEqual([{ answer: 42 }]);
    expect(await unnoticed).toHaveLength(1);
    expect(await other.countRows('mine')).toBe(1);
  });
});
