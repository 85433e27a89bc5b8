import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/client/connect.ts';
import type { LifecycleRecord } from '../../src/domain/lifecycle-record.ts';
import { Mayfly } from '../../src/mayfly.ts';
import { runCli, startCli } from './run-cli.ts';

interface Served {
  readonly url: string;
  readonly dataDir: string;
  readonly lines: readonly string[];
  readonly errors: () => string;
  readonly child: ChildProcess;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
}

let scratch: string;
const running = new Set<ChildProcess>();

async function startServe(...args: readonly string[]): Promise<Served> {
  const dataDir = await mkdtemp(join(scratch, 'data-'));
  const child = startCli(['serve', '--port', '0', '--data-dir', dataDir, '--spare-workers', '0', ...args]);
  running.add(child);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  const lines: string[] = [];
  const reader = createInterface(child.stdout).on('line', (line) => lines.push(line));
  await Promise.race([once(reader, 'line'), ended.then((code) => Promise.reject(new Error(`serve ended with ${code}: ${errors}`)))]);
  return { url: lines[0] ?? '', dataDir, lines, errors: () => errors, child, ended };
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'serve-test-'));
});
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await rm(scratch, { recursive: true, force: true });
});

describe('mayfly serve', () => {
  it('prints one line, its URL, when ready; SIGTERM drains, and it ends with 0', async () => {
    const served = await startServe('--drain-ms', '0');
    expect(served.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await fetch(`${served.url}/readyz`)).status).toBe(200);
    const { id } = await (await connect(served.url, { tenant: 'acme' })).tenant().openSession();
    served.child.kill('SIGTERM');
    expect(await served.ended).toBe(0);
    expect(served.lines).toHaveLength(1);
    for (const line of served.errors().trim().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow();
    await using mayfly = await Mayfly.open({ dataDir: served.dataDir, spareWorkers: 0 });
    const records: LifecycleRecord[] = [];
    for await (const { record } of mayfly.tenant('acme').lifecycle({ sessionId: id })) records.push(record);
    expect(records).toMatchObject([{ event: 'opened' }, { event: 'closed', details: { reason: 'drain' } }]);
  });

  it('is hastened by a second signal while it waits for sessions to end', async () => {
    const served = await startServe('--drain-ms', '10m');
    const mayfly = await connect(served.url, { tenant: 'acme' });
    await mayfly.tenant().openSession();
    served.child.kill('SIGINT');
    await expect.poll(async () => (await fetch(`${served.url}/readyz`)).status, { timeout: 20_000 }).toBe(503);
    // The same signal again at once is taken for an echo, so it comes when a person's would.
    const drainingSince = performance.now();
    await expect.poll(() => performance.now() - drainingSince).toBeGreaterThan(300);
    served.child.kill('SIGINT');
    expect(await served.ended).toBe(0);
  });

  it('keeps its exit code to the very end, however many signals come', async () => {
    const served = await startServe('--drain-ms', '0');
    const storm = setInterval(() => served.child.kill('SIGTERM'), 1);
    onTestFinished(() => clearInterval(storm));
    expect(await served.ended).toBe(0);
  });

  it('ends with 1 and says so when its port is taken', async () => {
    const served = await startServe('--drain-ms', '0');
    const { port } = new URL(served.url);
    const second = await runCli(['serve', '--port', port, '--data-dir', join(scratch, 'second'), '--spare-workers', '0']);
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toMatch(/^unavailable: .*EADDRINUSE/m);
    served.child.kill('SIGTERM');
    expect(await served.ended).toBe(0);
  });
});

describe('sessions, sql, watch and close', () => {
  it('show one session from its list to its last record', async () => {
    const served = await startServe('--drain-ms', '0');
    const mayfly = await connect(served.url, { tenant: 'acme' });
    const session = await mayfly.tenant().openSession({ labels: { user: '42' } });
    await session.createTable('numbers', { columns: [{ name: 'n', type: 'BIGINT' }] });
    await session.insert('numbers', [{ n: 1 }, { n: 2n ** 60n }]);
    const env = { MAYFLY_URL: served.url, MAYFLY_TENANT: 'acme' };

    const listed = await runCli(['sessions', '--label', 'user:42', '--json'], env);
    expect(JSON.parse(listed.stdout)).toMatchObject({ sessions: [{ session_id: session.id, labels: { user: '42' } }] });
    expect((await runCli(['sessions', '--tenant', 'other'], env)).stdout).not.toContain(session.id);

    const rows = await runCli(['sql', session.id, 'SELECT n FROM {table} WHERE n > $1 ORDER BY n', '--table', 'numbers', '--parameters', '[1]', '--json'], env);
    expect(rows.stdout).toBe(`{"n":"${2n ** 60n}"}\n`);
    expect((await runCli(['sql', session.id, 'SELECT n FROM numbers'], env)).stdout).toContain('1152921504606846976');
    expect(await runCli(['sql', session.id, 'SELECT n FROM numbers WHERE false'], env)).toEqual({ code: 0, stdout: '', stderr: 'no rows\n' });
    const refused = await runCli(['sql', session.id, "SELECT * FROM read_csv('/etc/passwd')"], env);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^statement_not_allowed: /);

    const closed = await runCli(['close', session.id, '--json'], env);
    expect(JSON.parse(closed.stdout)).toMatchObject({ session_id: session.id, event: 'closed', deleted_row_count: 2 });
    const watched = await runCli(['watch', '--session', session.id, '--no-follow', '--json'], env);
    const entries = watched.stdout.trim().split('\n');
    expect(entries.map((line) => (JSON.parse(line) as { record: { event: string } }).record.event)).toEqual(['opened', 'closed']);

    const follower = startCli(['watch'], env);
    running.add(follower);
    await once(follower.stdout, 'data');
    follower.kill('SIGINT');
    expect(await once(follower, 'close')).toEqual([0, null]);
    running.delete(follower);
    await mayfly.close();
    served.child.kill('SIGTERM');
    expect(await served.ended).toBe(0);
  }, 60_000);

  it('speak for the tenant of their token, and for no other', async () => {
    const tokens = join(scratch, 'tokens.json');
    await writeFile(tokens, JSON.stringify({ 'token-of-acme': 'acme', 'token-of-root': { role: 'operator' } }));
    const served = await startServe('--drain-ms', '0', '--tokens', tokens);
    const run = (env: Record<string, string>) => runCli(['sessions', '--json'], { MAYFLY_URL: served.url, ...env });
    const { id } = await (await connect(served.url, { token: 'token-of-acme' })).tenant().openSession();
    for (const [env, found] of [
      [{ MAYFLY_TOKEN: 'token-of-acme' }, [{ session_id: id, tenant_id: 'acme' }]],
      [{ MAYFLY_TOKEN: 'token-of-acme', MAYFLY_TENANT: 'acme' }, [{ session_id: id }]],
      [{ MAYFLY_TOKEN: 'token-of-root', MAYFLY_TENANT: 'acme' }, [{ session_id: id }]],
      [{ MAYFLY_TOKEN: 'token-of-root', MAYFLY_TENANT: 'other' }, []],
    ] as const) {
      expect(JSON.parse((await run(env)).stdout)).toMatchObject({ sessions: found });
    }
    for (const [env, code] of [
      [{ MAYFLY_TENANT: 'acme' }, 'unauthorized'],
      [{ MAYFLY_TOKEN: 'token-of-none' }, 'unauthorized'],
      [{ MAYFLY_TOKEN: 'token-of-acme', MAYFLY_TENANT: 'other' }, 'forbidden'],
      [{ MAYFLY_TOKEN: 'token-of-root' }, 'no_tenant_binding'],
    ] as const) {
      expect(await run(env)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(new RegExp(`^${code}: `)) });
    }
    served.child.kill('SIGTERM');
    expect(await served.ended).toBe(0);
  }, 60_000);
});
