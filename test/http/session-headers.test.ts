import { describe, expect, test } from 'vitest';
import { json, started } from './started-server.ts';

const ARROW = { 'content-type': 'application/vnd.apache.arrow.stream' };
const arrow = (method: string): RequestInit => ({ method, body: 'abc', headers: ARROW });

/** Every call on one session, good and bad: method and path, what is sent, and the status while the session lives. */
const CALLS: readonly (readonly [name: string, path: string, init: RequestInit, status: number])[] = [
  ['a description', '', {}, 200],
  ['a head', '', { method: 'HEAD' }, 200],
  ['a change', '', json({ timeout: '2h' }, {}, 'PATCH'), 200],
  ['a change with a key', '', json({ timeout: '3h' }, { 'idempotency-key': 'change' }, 'PATCH'), 200],
  ['a bad change', '', json({ timeout: 0 }, {}, 'PATCH'), 400],
  ['a bad query', '?as=closed', { method: 'DELETE' }, 400],
  ['a touch', '/touch', { method: 'POST' }, 200],
  ['a cancel', '/cancel', { method: 'POST' }, 202],
  ['a new table', '/tables/t', arrow('PUT'), 201],
  ['the same table', '/tables/t', arrow('PUT'), 409],
  ['a table', '/tables/t', {}, 200],
  ['an unknown table', '/tables/nope', {}, 404],
  ['a bad table name', '/tables/NOPE', {}, 400],
  ['rows', '/tables/t/rows', arrow('POST'), 200],
  ['rows of an unknown kind', '/tables/t/rows', { method: 'POST', body: 'x', headers: { 'content-type': 'image/png' } }, 415],
  ['a dropped table', '/tables/t', { method: 'DELETE' }, 200],
  ['a statement', '/sql', json({ query: 'select' }), 200],
  ['a statement that streams', '/sql', json({ query: 'stream 4' }), 200],
  ['a statement with a key', '/sql', json({ query: 'select' }, { 'idempotency-key': 'statement' }), 200],
  ['a failed statement', '/sql', json({ query: 'fail query_error' }), 400],
  ['a failed statement with a key', '/sql', json({ query: 'fail query_error' }, { 'idempotency-key': 'failure' }), 400],
  ['an answer nobody can make', '/sql', json({ query: 'select' }, { accept: 'image/png' }), 406],
];

const about = (answer: Response): (string | null)[] => [answer.headers.get('mayfly-node'), answer.headers.get('mayfly-expires-at')];

describe('every answer about a session bears its owner and its deadline', () => {
  test('good and bad, alive and ended', async () => {
    const { call, open } = await started();
    const session = `/v1/sessions/${await open()}`;
    const expiresAt = async () => ((await (await call(session)).json()) as { expires_at: string }).expires_at;
    for (const [name, path, init, status] of CALLS) {
      const answer = await call(session + path, init);
      await answer.text();
      expect([name, answer.status, ...about(answer)]).toEqual([name, status, 'n1', await expiresAt()]);
    }
    const last = await expiresAt();
    for (const [name, status] of [['its end', 200] as const, ['its end again', 200] as const]) {
      const ended = await call(session, { method: 'DELETE' });
      expect([name, ended.status, ...about(ended)]).toEqual([name, status, 'n1', last]);
    }
    for (const [name, path, init] of CALLS) expect([name, ...about(await call(session + path, init))]).toEqual([name, 'n1', last]);
  });

  test('a close that is answered 202 too', async () => {
    const { call, open, memory } = await started({ limits: { closeAnswerMs: 10 } });
    const session = `/v1/sessions/${await open()}`;
    let release = (): void => undefined;
    memory.gate = new Promise((resolve) => (release = resolve));
    const answer = await call(session, { method: 'DELETE' });
    expect([answer.status, ...about(answer)]).toEqual([202, 'n1', expect.stringMatching(/Z$/)]);
    release();
  });

  test('one that the node knows from the log alone names the node; a deadline is no longer known', async () => {
    const { call, open } = await started({ standing: () => undefined });
    const session = `/v1/sessions/${await open()}`;
    expect(about(await call(session))).toEqual(['n1', null]);
    expect(about(await call(session, { method: 'DELETE' }))).toEqual(['n1', null]);
    expect(about(await call(`${session}/touch`, { method: 'POST' }))).toEqual(['n1', null]);
  });

  test('I7: of a session that is another’s, or of nobody, nothing is told', async () => {
    const { call, open, server } = await started();
    const id = await open();
    for (const [name, path, init] of CALLS) {
      const theirs = await call(`/v1/sessions/${id}${path}`, { ...init, headers: { ...(init.headers as Record<string, string>), 'mayfly-tenant': 'other' } });
      expect([name, ...about(theirs)]).toEqual([name, null, null]);
      expect(about(await call(`/v1/sessions/00000000-0000-4000-8000-000000000000${path}`, init))).toEqual([null, null]);
      expect(about(await fetch(`${server.url}/v1/sessions/${id}${path}`, init))).toEqual([null, null]);
    }
  });
});
