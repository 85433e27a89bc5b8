import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ServedNode } from './served-node.ts';

const SESSIONS = 20;
const TOGETHER = 50;
/** `opened`; the decision, unless it shares the sync of its record, which came soon; the terminal record. */
const SYNCS_OF_A_SESSION = 3;

/** One event of Node's own trace: a call's beginning (`b`) or end (`e`), in microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly ts: number;
  readonly id: string;
  readonly args: { readonly result?: number; readonly data?: { readonly url: string; readonly statusCode: number } };
}

interface Span {
  readonly beganUs: number;
  readonly endedUs: number;
  readonly end: TraceEvent;
}

/** Calls of that name from beginning to end, in the order they ended. */
function spansOf(events: readonly TraceEvent[], name: string): Span[] {
  const began = new Map<string, number>();
  const spans: Span[] = [];
  for (const event of events.filter((each) => each.name === name).toSorted((a, b) => a.ts - b.ts)) {
    if (event.ph === 'b') began.set(event.id, event.ts);
    else spans.push({ beganUs: began.get(event.id) ?? Number.NaN, endedUs: event.ts, end: event });
  }
  return spans;
}

const within = (outer: Span, inner: readonly Span[]): Span[] => inner.filter((span) => span.beganUs >= outer.beganUs && span.endedUs <= outer.endedUs);

/** Runs a node whose calls of `fdatasync` and whose answers Node itself writes down, and gives both. */
async function traced(work: (url: string) => Promise<void>): Promise<{ readonly syncs: Span[]; readonly answers: Span[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-synced-'));
  const options = `--trace-event-categories=node.fs.async,node.http --trace-event-file-pattern=${join(folder, 'trace-${pid}-${rotation}.json')}`;
  const node = await ServedNode.startUnder({ NODE_OPTIONS: options }, join(folder, 'data'), '--drain-ms', '0');
  await work(node.url);
  expect(await node.end('SIGTERM')).toBe(0);
  const { traceEvents } = JSON.parse(await readFile(join(folder, `trace-${node.process.pid}-1.json`), 'utf8')) as { traceEvents: TraceEvent[] };
  await rm(folder, { recursive: true });
  const syncs = spansOf(traceEvents, 'fdatasync');
  for (const { end } of syncs) expect(end.args.result).toBe(0);
  return { syncs, answers: spansOf(traceEvents, 'http.server.request').filter(({ end }) => end.args.data?.url.startsWith('/v1/sessions') === true) };
}

const HEADERS = { 'mayfly-tenant': 'acme' };
const openOne = async (url: string): Promise<string> => {
  const opened = await fetch(`${url}/v1/sessions`, { method: 'POST', headers: HEADERS });
  return `${url}/v1/sessions/${((await opened.json()) as { session_id: string }).session_id}`;
};
const closeOne = async (session: string): Promise<void> => expect((await fetch(session, { method: 'DELETE', headers: HEADERS })).status).toBe(200);

it('asks the disk to keep what it is about to answer: once for an open, once for a close that takes no longer than usual', async () => {
  const { syncs, answers } = await traced(async (url) => {
    for (let each = 0; each < SESSIONS; each += 1) await closeOne(await openOne(url));
  });
  const counts = answers.map((answer) => within(answer, syncs).length);
  expect(counts).toHaveLength(2 * SESSIONS);
  for (const [at, count] of counts.entries()) expect(count).toBeOneOf(at % 2 === 0 ? [1] : [1, 2]);
  expect(counts.filter((count) => count === 1).length).toBeGreaterThan(SESSIONS);
  expect(syncs).toHaveLength(counts.reduce((sum, count) => sum + count, 0));
});

it('shares that among calls that wait together, and answers none of them before', async () => {
  const { syncs, answers } = await traced(async (url) => {
    const sessions = await Promise.all(Array.from({ length: TOGETHER }, () => openOne(url)));
    await Promise.all(sessions.map(closeOne));
  });
  expect(answers).toHaveLength(2 * TOGETHER);
  for (const answer of answers) expect(within(answer, syncs).length).toBeGreaterThan(0);
  expect(syncs.length).toBeLessThan(TOGETHER * SYNCS_OF_A_SESSION);
});
