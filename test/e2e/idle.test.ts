import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ServedNode } from './served-node.ts';

const HEADERS = { 'mayfly-tenant': 'acme', 'content-type': 'application/json' };
const IDLE_TIMEOUT = '3s';
/** Another use comes this soon after one, in ms. */
const PAUSE_MS = 200;

let dataDir: string;
let node: ServedNode;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'mayfly-idle-'));
  node = await ServedNode.start(dataDir, '--drain-ms', '0');
});
afterAll(async () => {
  expect(await node.end('SIGTERM')).toBe(0);
  await rm(dataDir, { recursive: true });
});

interface SessionState {
  readonly session_id: string;
  readonly state: string;
  readonly ended?: { readonly details: { readonly reason: string } };
}

async function send(method: string, path: string, body?: object): Promise<unknown> {
  const answer = await fetch(`${node.url}/v1/sessions${path}`, { method, headers: HEADERS, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return answer.json();
}

async function open(): Promise<string> {
  const { session_id: id } = (await send('POST', '', { idle_timeout: IDLE_TIMEOUT })) as SessionState;
  await send('PUT', `/${id}/tables/t`, { columns: [{ name: 'a', type: 'INTEGER' }] });
  return `/${id}`;
}

const stateOf = async (session: string): Promise<SessionState> => (await send('GET', session)) as SessionState;

/** A body that takes its time, until `isOver`. */
function slowRows(isOver: () => boolean): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder();
  let sent = 0;
  return new ReadableStream({
    async pull(body) {
      if (sent > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      if (!isOver()) return body.enqueue(bytes.encode(sent++ === 0 ? '[{"a":1}' : ',{"a":1}'));
      body.enqueue(bytes.encode(']'));
      body.close();
    },
  });
}

it('counts statements, inserts, table calls, touches and changed bounds as use, and looks at the status not', async () => {
  const uses: readonly ((session: string) => Promise<unknown>)[] = [
    (session) => send('POST', `${session}/touch`),
    (session) => send('POST', `${session}/sql`, { query: 'SELECT 1' }),
    (session) => send('POST', `${session}/tables/t/rows`, [{ a: 1 }]),
    (session) => send('GET', `${session}/tables/t`),
    (session) => send('PATCH', session, { timeout: '1h' }),
  ];
  const [looked, cancelled, uploading, ...used] = (await Promise.all([1, 2, 3, ...uses].map(open))) as [string, string, string, ...string[]];
  let isOver = false;
  const upload = fetch(`${node.url}/v1/sessions${uploading}/tables/t/rows`, {
    method: 'POST',
    headers: HEADERS,
    body: slowRows(() => isOver),
    duplex: 'half',
  } as RequestInit);

  const round = async (): Promise<string[]> => {
    await Promise.all([...uses.map((use, index) => use(used[index]!)), send('POST', `${cancelled}/cancel`)]);
    return (await Promise.all([looked, cancelled].map(stateOf))).map(({ state }) => state);
  };
  await expect.poll(round, { interval: PAUSE_MS }).toEqual(['timed_out', 'timed_out']);
  isOver = true;
  expect((await upload).status).toBe(200);
  for (const session of [uploading, ...used]) expect(await stateOf(session)).toMatchObject({ state: 'active' });
  for (const session of [looked, cancelled]) expect(await stateOf(session)).toMatchObject({ ended: { details: { reason: 'idle' } } });
  // And each of these ends as well, once nobody uses it.
  await expect.poll(async () => (await stateOf(used[0]!)).state).toBe('timed_out');
});
