import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openEmbedded, type Embedded } from '../../src/embedded/embedded.ts';
import type { EmbeddedNotice } from '../../src/embedded/notice.ts';
import { identify, isAlive } from '../../src/embedded/process-identity.ts';
import { RandomIds } from '../../src/embedded/random-ids.ts';
import { SystemClock } from '../../src/embedded/system-clock.ts';
import type { Holder } from '../../src/ports/lease-store.ts';
import { acme, collect, contextOf, newSession, recordOf } from '../conformance/samples.ts';
import { startProcess } from './node-process.ts';
import { scratchFolder } from './scratch.ts';

const notices: EmbeddedNotice[] = [];

function open(dataDir: string): Promise<Embedded> {
  return openEmbedded({ dataDir, clock: new SystemClock(), ids: new RandomIds(), onNotice: (notice) => notices.push(notice) });
}

describe('a data directory', () => {
  it('is made for its owner alone, and keeps its node id over restarts', async () => {
    const path = join(scratchFolder(), 'deep', 'data');
    const first = await open(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    await first.close();
    const second = await open(path);
    expect(second.dataDir.holder.node).toBe(first.dataDir.holder.node);
    expect(second.dataDir.holder.incarnation).not.toBe(first.dataDir.holder.incarnation);
    expect(second.dataDir.isPredecessor(first.dataDir.holder)).toBe(true);
    expect(second.dataDir.isPredecessor(second.dataDir.holder)).toBe(false);
    await second.close();
  });

  it('says what is wrong when it cannot be used', async () => {
    const path = join(scratchFolder(), 'file');
    writeFileSync(path, 'not a folder');
    await expect(open(path)).rejects.toMatchObject({ code: 'invalid_request', fields: { field: 'data_dir' } });
  });

  it('is refused to a second opener, in this process or another, by name and pid', async () => {
    const path = scratchFolder();
    const own = await open(path);
    await expect(open(path)).rejects.toMatchObject({ code: 'data_dir_locked', fields: { data_dir: path, pid: process.pid } });
    const other = startProcess(`await open(${JSON.stringify(path)}).then(() => say('opened'), (error) => say({ code: error.code, message: error.message }));`);
    expect(await other.next()).toEqual({ code: 'data_dir_locked', message: expect.stringMatching(`${path}.*process ${process.pid}`) as string });
    await own.close();
  });

  it('goes to exactly one of many that find its holder dead', async () => {
    const path = scratchFolder();
    const holder = startProcess(`await open(${JSON.stringify(path)}); say('open'); setInterval(() => {}, 1000);`);
    await holder.next();
    await holder.kill();
    const racing = Array.from({ length: 8 }, async () => open(path));
    const outcomes = await Promise.allSettled(racing);
    const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(won).toHaveLength(1);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'data_dir_locked' });
    await won[0]?.value.close();
  });

  it('is not fooled by a pid that belongs to another process now', async () => {
    const path = scratchFolder();
    const stranger = spawn('sleep', ['60']);
    onTestFinished(() => void stranger.kill('SIGKILL'));
    const reused = { pid: stranger.pid, started: 'before that process' };
    writeFileSync(join(path, 'lock.7'), JSON.stringify({ ...reused, node: 'n', incarnation: 'i', released: false }));
    mkdirSync(join(path, 'processes'));
    writeFileSync(join(path, 'processes', 'i.jsonl'), `\n${JSON.stringify(reused)}`);
    const own = await open(path);
    expect(own.dataDir.isPredecessor({ node: 'n', incarnation: 'i' })).toBe(true);
    expect(identify(stranger.pid ?? 0)).toBeDefined();
    expect(notices.filter(({ fields }) => fields['pid'] === stranger.pid)).toEqual([]);
    await own.close();
  });

  it('leaves alone a process that was forgotten', async () => {
    const path = scratchFolder();
    const child = spawn('sleep', ['60']);
    onTestFinished(() => void child.kill('SIGKILL'));
    const first = await open(path);
    first.dataDir.recordProcess(child.pid ?? 0);
    first.dataDir.forgetProcess(child.pid ?? 0);
    await first.close();
    const second = await open(path);
    expect(identify(child.pid ?? 0)).toBeDefined();
    await second.close();
  });
});

describe('after a kill of the whole process', () => {
  it('what was acknowledged is there, its workers are gone, its leases can be adopted (I3, I4, I6)', async () => {
    const path = scratchFolder();
    const session = newSession();
    const node = startProcess(`
      const { dataDir, log, leases } = await open(${JSON.stringify(path)});
      const worker = spawn('sleep', ['600'], { stdio: 'ignore', detached: true });
      dataDir.recordProcess(worker.pid);
      process.kill(worker.pid, 'SIGSTOP');
      writeFileSync(dataDir.spillRoot + '/left', 'rows');
      await leases.put({ holder: dataDir.holder, session: ${JSON.stringify(session)}, context: ${JSON.stringify(contextOf(0))} });
      await leases.put({ holder: dataDir.holder, session: ${JSON.stringify(session)}, context: ${JSON.stringify(contextOf(42))} });
      await log.append(0, ${JSON.stringify(recordOf(session, 'opened'))}, dataDir.holder);
      say({ worker: worker.pid, holder: dataDir.holder });
      const ids = new RandomIds();
      for (;;) {
        const opened = { ...${JSON.stringify(recordOf(session, 'opened'))} };
        await Promise.all([1, 2, 3].map(async () => {
          const record = { ...opened, session_id: ids.sessionId() };
          await log.append(0, record, dataDir.holder);
          say({ acknowledged: record.session_id });
        }));
      }`);
    const { worker, holder } = (await node.next()) as { worker: number; holder: Holder };
    const identity = identify(worker);
    const acknowledged: string[] = [];
    while (acknowledged.length < 100) acknowledged.push(((await node.next()) as { acknowledged: string }).acknowledged);
    await node.kill();
    for (let line = await node.next(); line !== undefined; line = await node.next()) acknowledged.push((line as { acknowledged: string }).acknowledged);

    const next = await open(path);
    expect(identity !== undefined && isAlive(identity)).toBe(false);
    expect(existsSync(join(next.dataDir.spillRoot, 'left'))).toBe(false);
    expect(next.dataDir.isPredecessor(holder)).toBe(true);
    const kept = new Set((await collect(next.log.read(acme, {}))).map(({ record }) => record.session_id as string));
    expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
    expect(await collect(next.log.unfinished())).toHaveLength(kept.size);

    expect(await next.leases.holders()).toEqual([{ holder, counter: 0 }]);
    expect(await next.leases.find(session)).toEqual({ holder, session, context: contextOf(42) });
    await next.leases.remove(holder, session);
    expect(await next.leases.forget(holder)).toBe(true);
    await next.close();
    expect(readdirSync(next.dataDir.notesFolder)).toEqual([]);
  });

  it('a note torn by a full disk does not hide the ones around it', async () => {
    const path = scratchFolder();
    const [one, two] = [newSession(), newSession()];
    const first = await open(path);
    const { holder } = first.dataDir;
    await first.leases.put({ holder, session: one, context: contextOf(1) });
    await first.close();
    const [name = 'none'] = readdirSync(first.dataDir.notesFolder);
    writeFileSync(join(first.dataDir.notesFolder, name), `\n{"session":"${one}","cont`, { flag: 'a' });
    writeFileSync(join(first.dataDir.notesFolder, name), `\n${JSON.stringify({ session: two, context: contextOf(2) })}`, { flag: 'a' });
    const second = await open(path);
    expect(await second.leases.leases(holder)).toEqual([
      { holder, session: one, context: contextOf(1) },
      { holder, session: two, context: contextOf(2) },
    ]);
    // What is over stays over, also for the next start.
    await second.leases.remove(holder, one);
    await second.close();
    const third = await open(path);
    expect((await third.leases.leases(holder)).map(({ session }) => session)).toEqual([two]);
    await third.close();
  });

  it('notes are compacted, and say the same afterwards', async () => {
    const path = scratchFolder();
    const first = await open(path);
    const { holder } = first.dataDir;
    const sessions = Array.from({ length: 3 }, newSession);
    for (let rows = 0; rows < 5_000; rows += 1) await first.leases.put({ holder, session: sessions[rows % 3] ?? newSession(), context: contextOf(rows) });
    await first.close();
    const [name = 'none'] = readdirSync(first.dataDir.notesFolder);
    expect(statSync(join(first.dataDir.notesFolder, name)).size).toBeLessThan(400_000);
    const second = await open(path);
    const rows = (await second.leases.leases(holder)).map(({ context }) => context.tables[0]?.rows);
    expect(new Set(rows)).toEqual(new Set([4_997, 4_998, 4_999]));
    await second.close();
  });
});

describe('the system clock', () => {
  it('keeps a delay above 2^31-1 ms instead of firing at once', async () => {
    const clock = new SystemClock();
    let fired = false;
    const timer = clock.setTimeout(() => (fired = true), 2 ** 31 + 5_000);
    await new Promise<void>((resolve) => clock.setTimeout(resolve, 20));
    expect(fired).toBe(false);
    clock.clearTimeout(timer);
  });
});
