import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Mayfly } from '../../src/index.ts';
import { ServedNode } from './served-node.ts';

const LONG = 'SELECT count(*) FROM range(100000000000) t(i) WHERE i % 7 = hash(i) % 11';

let dataDir: string;
let node: ServedNode;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'mayfly-metrics-'));
  node = await ServedNode.start(dataDir, '--drain-ms', '0', '--spare-workers', '1');
});
afterAll(async () => {
  expect(await node.end('SIGTERM')).toBe(0);
  await rm(dataDir, { recursive: true });
});

/** Every sample of the node's own metrics, by its name and labels. */
async function samples(): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${node.url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('mayfly_'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]));
}

it('count each thing that happens once', async () => {
  const mayfly = await Mayfly.connect(node.url);
  const session = await mayfly.tenant('acme').openSession();
  await session.sql('SELECT 1');
  await session.rows('SELECT i FROM range(100000) t(i)');
  await expect(session.sql('SELECT nope')).rejects.toMatchObject({ code: 'query_error' });
  await expect(session.sql(LONG, { timeout: 50 })).rejects.toMatchObject({ code: 'query_timeout' });
  const left = session.stream("SELECT repeat('x', 1000) FROM range(1000000)");
  for await (const batch of left) if (batch.numRows > 0) break;
  await expect.poll(async () => (await samples()).get('mayfly_statement_duration_seconds_count{outcome="cancelled"}')).toBe(1);
  await expect.poll(async () => (await samples()).get('mayfly_workers{state="spare"}')).toBe(1);
  expect(Object.fromEntries(await samples())).toMatchObject({
    mayfly_sessions_open: 1,
    mayfly_sessions_opened_total: 1,
    mayfly_journal_fsync_duration_seconds_count: 1,
    'mayfly_workers{state="busy"}': 1,
    'mayfly_statement_duration_seconds_count{outcome="ok"}': 2,
    'mayfly_statement_duration_seconds_count{outcome="failed"}': 1,
    'mayfly_statement_duration_seconds_count{outcome="timed_out"}': 1,
  });
  await session.close();
  expect(Object.fromEntries(await samples())).toMatchObject({
    mayfly_sessions_open: 0,
    // `opened`, and the end: its decision has a sync of its own when the drop is slow.
    mayfly_journal_fsync_duration_seconds_count: expect.toBeOneOf([2, 3]),
    'mayfly_sessions_ended_total{event="closed",reason="close"}': 1,
  });
  await mayfly.close();
});
