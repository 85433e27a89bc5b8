import { readFileSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { NodeProcess } from './node-process.ts';
import { ORDER_COLUMNS, ordersAsArrow } from './orders.ts';

const ARROW = 'application/vnd.apache.arrow.stream';
const PAGE_BYTES = 4_096;
const OPENERS = 8;
const DEADLINES_OVER_MS = 1_000;
/** From the first opening to the first deadline: opening them all has to be over. */
const LEAD_MS = 20_000;
const RECORDS_WITHIN_MS = 60_000;

/** W5: what many open sessions hold, and how soon after their deadlines their records stand. */
export interface ManySessions {
  readonly sessions: number;
  /** Resident memory of the node and its workers over the number of sessions, idle share included. */
  readonly megabytes_per_session: number;
  readonly deadlines: number;
  /** From a session's deadline to its terminal record in the followed log, by the same machine's clock. */
  readonly record_p50_ms: number;
  readonly record_p99_ms: number;
}

/** @param node one without sessions */
export async function measureManySessions(node: NodeProcess, quick: boolean): Promise<ManySessions> {
  const sessions = quick ? 20 : 500;
  const deadlines = quick ? 10 : 200;
  const opened: string[] = [];
  await inTurns(sessions, async () => void opened.push(await sessionWithTable(node, '1h')));
  const megabytes = residentMegabytes(node.pid) / sessions;
  for (const session of opened) await node.call({ method: 'DELETE', path: `/v1/sessions/${session}` });
  const late = await lateness(node, deadlines);
  const at = (share: number): number => Math.round(late[Math.ceil(late.length * share) - 1] ?? 0);
  return { sessions, megabytes_per_session: Number(megabytes.toPrecision(3)), deadlines, record_p50_ms: at(0.5), record_p99_ms: at(0.99) };
}

async function sessionWithTable(node: NodeProcess, timeout: string): Promise<string> {
  const { session_id } = (await node.call({ method: 'POST', path: '/v1/sessions', body: JSON.stringify({ timeout }) })) as { session_id: string };
  const table = `/v1/sessions/${session_id}/tables/orders`;
  await node.call({ method: 'PUT', path: table, body: JSON.stringify({ columns: ORDER_COLUMNS }) });
  await node.call({ method: 'POST', path: `${table}/rows`, body: ordersAsArrow(), type: ARROW });
  return session_id;
}

/** Milliseconds from deadline to record, in order. */
async function lateness(node: NodeProcess, deadlines: number): Promise<readonly number[]> {
  const firstMs = Date.now() + LEAD_MS;
  const dueMs = new Map<string, number>();
  await inTurns(deadlines, async (index) => {
    const due = firstMs + (index * DEADLINES_OVER_MS) / deadlines;
    dueMs.set(await sessionWithTable(node, `${Math.round(due - Date.now())}ms`), 0);
  });
  if (Date.now() >= firstMs) throw new Error(`Opening ${deadlines} sessions took longer than ${LEAD_MS} ms`);
  for (const session of dueMs.keys()) {
    const { expires_at } = (await node.call({ method: 'GET', path: `/v1/sessions/${session}` })) as { expires_at: string };
    dueMs.set(session, Date.parse(expires_at));
  }
  const late: number[] = [];
  const answer = await node.follow('/v1/lifecycle?follow=1', AbortSignal.timeout(LEAD_MS + RECORDS_WITHIN_MS));
  for await (const line of createInterface({ input: answer })) {
    const { record } = JSON.parse(line) as { record: { session_id: string; event: string } };
    const due = record.event === 'timed_out' ? dueMs.get(record.session_id) : undefined;
    if (due !== undefined && late.push(Date.now() - due) === deadlines) break;
  }
  answer.destroy();
  return late.toSorted((a, b) => a - b);
}

/** Several at once, as a service would. */
async function inTurns(count: number, once: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lanes = Array.from({ length: OPENERS }, async () => {
    for (let index = next++; index < count; index = next++) await once(index);
  });
  await Promise.all(lanes);
}

/** Of a process and its children, as Linux tells it. */
function residentMegabytes(pid: number): number {
  const children = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && parentOf(entry) === pid);
  const pages = [String(pid), ...children].map((each) => Number(readFileSync(`/proc/${each}/statm`, 'latin1').split(' ')[1]));
  return (pages.reduce((sum, each) => sum + each, 0) * PAGE_BYTES) / 1_000_000;
}

function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    // It ended between the listing and the look.
    return undefined;
  }
}
