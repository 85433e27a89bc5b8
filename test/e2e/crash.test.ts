import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Mayfly } from '../../src/index.ts';
import type { LifecycleRecord, MayflyHandle, SessionHandle } from '../../src/index.ts';
import { ServedNode } from './served-node.ts';

const SESSIONS = 50;

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

async function openWithRows(mayfly: MayflyHandle, rows: number): Promise<SessionHandle> {
  const session = await mayfly.tenant('acme').openSession();
  await session.createTableAs('kept', `SELECT i FROM range(${rows}) t(i)`);
  return session;
}

describe('a node that is killed', () => {
  let dataDir: string;
  let node: ServedNode;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'mayfly-crash-'));
    node = await ServedNode.start(dataDir, '--sessions-per-worker', '64');
  });

  afterEach(async () => {
    await node.end('SIGKILL');
    await rm(dataDir, { recursive: true });
  });

  it.each(['alive', 'stopped'])(
    'I3: owes its %s workers’ sessions their end, and pays at the next start, before it is ready',
    async (workers) => {
      const first = await Mayfly.connect(node.url);
      const sessions = await Promise.all(Array.from({ length: SESSIONS }, (_, index) => openWithRows(first, index + 1)));
      await sessions[0]?.sql('DELETE FROM kept');
      const pids = await node.workers();
      expect(pids.length).toBeGreaterThan(0);
      if (workers === 'stopped') for (const pid of pids) process.kill(pid, 'SIGSTOP');
      await node.end('SIGKILL');

      node = await ServedNode.start(dataDir);
      for (const pid of pids) await expect.poll(() => isAlive(pid)).toBe(false);
      const ends = await endsOf(await Mayfly.connect(node.url));
      expect(ends.size).toBe(SESSIONS);
      for (const [index, session] of sessions.entries()) {
        const [record, ...more] = ends.get(session.id) ?? [];
        expect(more).toEqual([]);
        expect(record).toMatchObject({
          event: 'timed_out',
          ephemeral_table_count: 1,
          deleted_row_count: index === 0 ? 0 : index + 1,
          details: { reason: 'process_exit', proof: 'process_exit', counted: 'last_acknowledged' },
        });
      }
      expect((await readdir(join(dataDir, 'spill'), { recursive: true })).filter((name) => name.includes('.'))).toEqual([]);
    },
    60_000,
  );

  it('refuses a second process on its folder, in words that name it', async () => {
    await expect(ServedNode.start(dataDir)).rejects.toThrow(/data_dir_locked/);
  });

  it('I4: ends the sessions of a killed worker alone, and opens new ones', async () => {
    const mayfly = await Mayfly.connect(node.url);
    const before = await node.workers();
    const lost = await openWithRows(mayfly, 7);
    const other = await mayfly.tenant('other').openSession();
    await other.createTableAs('mine', 'SELECT 1 AS one');
    const [taken] = before;
    expect(taken).toBeDefined();
    // The first spare was given to the first tenant; killing each in turn until its session ends finds it.
    for (const pid of before.slice(0, 1)) process.kill(pid, 'SIGKILL');
    const ended = await Promise.race([lost.ended, other.ended]);
    expect(ended).toMatchObject({ event: 'timed_out', details: { reason: 'worker_lost', proof: 'process_exit' } });
    const survivor = ended.session_id === lost.id ? other : lost;
    expect(await survivor.tables()).toHaveLength(1);
    const fresh = await mayfly.tenant(ended.tenant_id).openSession();
    expect(await fresh.rows('SELECT 42 AS answer')).toEqual([{ answer: 42 }]);
  });
});
