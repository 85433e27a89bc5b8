import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeProcess } from '../../src/cli/cluster/node-process.ts';
import { Mayfly } from '../../src/index.ts';
import type { LifecycleRecord, MayflyHandle, SessionHandle } from '../../src/index.ts';
import { DEPLOYMENTS } from './deployments.ts';
import type { Deployment } from './deployments.ts';

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

describe.each(Object.keys(DEPLOYMENTS))('a crash, on %s', (nodes) => {
  let folder: string;
  let deployment: Deployment;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mayfly-crash-'));
    deployment = await DEPLOYMENTS[nodes]!(folder, '--sessions-per-worker', '64');
  });

  afterEach(async () => {
    await deployment.kill();
    await deployment.stop();
    await rm(folder, { recursive: true });
  });

  const connect = () => Mayfly.connect(deployment.next(), { direct: false, fetch: deployment.fetch });

  it.each(['alive', 'stopped'])(
    'I3: killed nodes owe their %s workers’ sessions an end, and pay at the next start, before they are ready',
    async (workers) => {
      const first = await connect();
      const sessions = await Promise.all(Array.from({ length: SESSIONS }, (_, index) => openWithRows(first, index + 1)));
      await sessions[0]?.sql('DELETE FROM kept');
      const pids = deployment.workers();
      expect(pids.length).toBeGreaterThan(0);
      if (workers === 'stopped') for (const pid of pids) process.kill(pid, 'SIGSTOP');
      await deployment.kill();

      await deployment.start();
      for (const pid of pids) await expect.poll(() => isAlive(pid)).toBe(false);
      const ends = await endsOf(await connect());
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
      expect((await deployment.spilled()).filter((file) => file.includes('.'))).toEqual([]);
    },
    60_000,
  );

  it('refuses a second process on a folder, in words that name it', async () => {
    const second = new NodeProcess({ folder: join(folder, 'node-1'), port: 0, nodeId: 'node-1', flags: [] });
    await expect(second.start()).rejects.toThrow(/data_dir_locked/);
  });

  it('I4: ends the sessions of a killed worker alone, and opens new ones', async () => {
    const mayfly = await connect();
    const spares = new Map(deployment.nodes.map((node) => [node.nodeId, node.workers()]));
    const lost = await openWithRows(mayfly, 7);
    const other = await mayfly.tenant('other').openSession();
    await other.createTableAs('mine', 'SELECT 1 AS one');
    const [held] = await mayfly.tenant('acme').sessions();
    // A node gives its first spare to its first tenant.
    const [taken] = spares.get(held?.node_id ?? '') ?? [];
    process.kill(taken!, 'SIGKILL');
    const ended = await Promise.race([lost.ended, other.ended]);
    expect(ended).toMatchObject({ event: 'timed_out', details: { reason: 'worker_lost', proof: 'process_exit' } });
    const survivor = ended.session_id === lost.id ? other : lost;
    expect(await survivor.tables()).toHaveLength(1);
    const fresh = await mayfly.tenant(ended.tenant_id).openSession();
    expect(await fresh.rows('SELECT 42 AS answer')).toEqual([{ answer: 42 }]);
  });
});
