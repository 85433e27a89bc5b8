import { ROW_TYPES } from '../../src/domain/row-format.ts';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { ERROR_KINDS } from '../../src/domain/errors.ts';
import { json, raw, started } from './started-server.ts';

const sql = (session: string): string => `/v1/sessions/${session}/sql`;
const problemOf = async (answer: Response): Promise<Record<string, unknown>> => {
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  return (await answer.json()) as Record<string, unknown>;
};

describe('sessions and tables', () => {
  test('live from POST to DELETE, with their headers', async () => {
    const { call } = await started();
    const opened = await call('/v1/sessions', json({ timeout_ms: 60_000, labels: { user: '42' } }));
    expect(opened.status).toBe(201);
    const session = (await opened.json()) as { session_id: string; expires_at: string };
    const path = `/v1/sessions/${session.session_id}`;
    expect(opened.headers.get('location')).toBe(path);
    expect(opened.headers.get('mayfly-node')).toBe('n1');
    expect(opened.headers.get('mayfly-expires-at')).toBe(session.expires_at);
    const arrow = { method: 'PUT', body: 'abc', headers: { 'content-type': 'application/vnd.apache.arrow.stream' } };
    const table = await call(`${path}/tables/t?primary_key=a,b`, arrow);
    expect([table.status, await table.json()]).toMatchObject([201, { name: 't', rows: 3 }]);
    const inserted = await call(`${path}/tables/t/rows`, { ...arrow, method: 'POST' });
    expect(await inserted.json()).toEqual({ rows: 3 });
    expect(await (await call(`${path}/tables/t`)).json()).toMatchObject({ rows: 6 });
    expect(await (await call(sql(session.session_id), json({ query: 'change' }))).json()).toEqual({ rows_changed: 3 });
    expect((await call(`${path}/touch`, { method: 'POST' })).status).toBe(200);
    expect((await call(`${path}/cancel`, { method: 'POST' })).status).toBe(202);
    expect(await (await call(path, json({ timeout_ms: 90_000 }, {}, 'PATCH'))).json()).toMatchObject({ timeout_ms: 90_000 });
    const closed = await call(path, { method: 'DELETE' });
    const record = await closed.json();
    expect(record).toMatchObject({ event: 'closed', deleted_row_count: 6 });
    expect(await (await call(path, { method: 'DELETE' })).json()).toEqual(record);
    expect(await (await call(path)).json()).toMatchObject({ state: 'closed', ended: record });
  });

  test('are erased by label alone, never without a filter', async () => {
    const { call, open } = await started();
    await open({ labels: { user: '42' } });
    await open({ labels: { user: '7' } });
    const refused = await call('/v1/sessions', { method: 'DELETE' });
    expect([refused.status, await problemOf(refused)]).toMatchObject([400, { code: 'invalid_request', field: 'label' }]);
    const closed = (await (await call('/v1/sessions?label=user:42', { method: 'DELETE' })).json()) as { closed: unknown[] };
    expect(closed.closed).toHaveLength(1);
  });

  test('a close that takes long is answered 202 and goes on', async () => {
    const { call, open, memory } = await started({ limits: { closeAnswerMs: 10 } });
    const session = await open();
    let release = (): void => undefined;
    memory.gate = new Promise((resolve) => (release = resolve));
    const answer = await call(`/v1/sessions/${session}`, { method: 'DELETE' });
    expect([answer.status, answer.headers.get('location')]).toEqual([202, `/v1/sessions/${session}`]);
    release();
    await expect.poll(async () => ((await (await call(`/v1/sessions/${session}`)).json()) as { state: string }).state).toBe('closed');
  });

  test('of another tenant are unknown, and no tenant is no call', async () => {
    const { call, open, server } = await started();
    const session = await open();
    const other = await call(`/v1/sessions/${session}`, { headers: { 'mayfly-tenant': 'other' } });
    expect([other.status, (await problemOf(other))['code']]).toEqual([404, 'unknown_session']);
    expect((await problemOf(await fetch(`${server.url}/v1/sessions`)))['code']).toBe('no_tenant_binding');
  });
});

describe('problems', () => {
  const codes = Object.keys(ERROR_KINDS).filter((code) => code !== 'internal');
  test.each(codes)('%s has its status, shape and fields', async (code) => {
    const { call, open } = await started();
    const answer = await call(sql(await open()), json({ query: `fail ${code}` }));
    const kind = ERROR_KINDS[code as keyof typeof ERROR_KINDS];
    expect(answer.status).toBe(kind.status);
    const problem = await problemOf(answer);
    expect(problem).toMatchObject({ type: `urn:mayfly:problem:${code}`, title: kind.title, status: kind.status, code, retryable: kind.retryable, limit: 7 });
    expect(problem['instance']).toMatch(/^urn:uuid:/);
    expect(answer.headers.has('retry-after')).toBe(kind.status === 429 || kind.status === 503);
  });

  test('what is internal is told to the log alone', async () => {
    const { call, open, logged } = await started();
    const answer = await call(sql(await open()), json({ query: 'break' }));
    const text = await answer.text();
    expect(answer.status).toBe(500);
    expect(text).not.toContain('secret');
    const { instance } = JSON.parse(text) as { instance: string };
    expect(logged.find(({ fields }) => 'instance' in fields && fields.instance === instance)).toBeDefined();
  });

  test.each([
    ['GET', '/nothing', undefined, 404, { code: 'not_found' }],
    ['POST', '/nothing', 'x', 404, { code: 'not_found' }],
    ['PUT', '/v1/sessions', '{}', 405, { code: 'method_not_allowed', allow: ['POST', 'GET', 'DELETE', 'HEAD', 'OPTIONS'] }],
    ['POST', '/v1/sessions', '{', 400, { code: 'invalid_request', field: 'body' }],
    ['POST', '/v1/sessions', '{"timeot":1}', 400, { code: 'invalid_request', field: 'timeot' }],
    ['POST', '/v1/sessions', '{"labels":{"a":1}}', 400, { code: 'invalid_request', field: 'labels.a' }],
    ['GET', '/v1/sessions?limit=0', undefined, 400, { code: 'invalid_request', field: 'limit' }],
    ['GET', '/v1/sessions?label=oops', undefined, 400, { code: 'invalid_request', field: 'label' }],
    ['GET', '/v1/sessions?wat=1', undefined, 400, { code: 'invalid_request', field: 'wat' }],
    ['GET', '/v1/lifecycle?from=-1', undefined, 400, { code: 'invalid_request', field: 'from' }],
    ['GET', '/v1/sessions/%zz', undefined, 400, { code: 'invalid_request', field: 'url' }],
    ['GET', '/v1/sessions?label=%zz', undefined, 400, { code: 'invalid_request', field: 'url' }],
    ['GET', '/v1/sessions/not-an-id', undefined, 404, { code: 'unknown_session' }],
  ])('%s %s %s is refused', async (method, path, body, status, problem) => {
    const { call } = await started();
    const answer = await call(path, { method, ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }) });
    expect([answer.status, await problemOf(answer)]).toMatchObject([status, problem]);
  });

  test('a name as long as the address allows is still name_too_long', async () => {
    const { call, open } = await started();
    const answer = await call(`/v1/sessions/${await open()}/tables/${'x'.repeat(900)}`);
    expect(await problemOf(answer)).toMatchObject({ code: 'name_too_long', max: 24 });
  });
});

describe('negotiation', () => {
  test.each([
    ['*/*', 200, 'application/json'],
    ['', 200, 'application/json'],
    ['application/vnd.apache.arrow.stream', 200, 'application/vnd.apache.arrow.stream'],
    ['application/json;q=0.2, application/vnd.apache.arrow.stream;q=0.9', 200, 'application/vnd.apache.arrow.stream'],
    ['text/csv, application/json;q=0.1', 200, 'text/csv'],
    ['application/x-ndjson', 200, 'application/x-ndjson'],
    ['text/*', 200, 'text/csv'],
    ['text/html, application/json;q=0.1', 200, 'application/json'],
    ['text/html', 406, 'application/problem+json'],
    ['application/json;q=0', 406, 'application/problem+json'],
  ])('Accept: %s', async (accept, status, type) => {
    const { call, open, memory } = await started();
    const answer = await call(sql(await open()), json({ query: 'select' }, { accept }));
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, type]);
    // What cannot be answered must not have run: it may have had an effect.
    expect(memory.runs.includes('select')).toBe(status === 200);
  });

  test.each(['text/html', 'text/csv; charset=latin1', 'text/csv; header=absent', 'application/json;charset="utf-16"'])(
    'a body of the kind %s is refused with what is supported',
    async (type) => {
      const { call, open } = await started();
      const answer = await call(`/v1/sessions/${await open()}/tables/t/rows`, { method: 'POST', body: 'a,b', headers: { 'content-type': type } });
      expect([answer.status, await problemOf(answer)]).toMatchObject([415, { code: 'unsupported_media_type', supported: ROW_TYPES }]);
    },
  );

  test.each(['text/csv; charset=UTF-8; header=present', 'TEXT/CSV', 'application/x-ndjson;charset="utf-8"'])('a body of the kind %s is taken', async (type) => {
    const { call, open } = await started();
    const answer = await call(`/v1/sessions/${await open()}/tables/t/rows`, { method: 'POST', body: 'a,b', headers: { 'content-type': type } });
    expect(await problemOf(answer)).toMatchObject({ code: 'unknown_table' });
  });
});

describe('the node', () => {
  test('tells life, readiness, metrics and nodes', async () => {
    const { server } = await started({ status: () => ({ live: true, ready: false, reason: 'draining' }) });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${server.url}/readyz`);
    expect([ready.status, ready.headers.get('retry-after'), await ready.json()]).toEqual([503, '1', { status: 'not_ready', reason: 'draining' }]);
    expect(await (await fetch(`${server.url}/v1/cluster`)).json()).toEqual({ nodes: [{ node_id: 'n1' }] });
    await expect
      .poll(async () => (await fetch(`${server.url}/metrics`)).text())
      .toContain('mayfly_http_request_duration_seconds_count{route="/readyz",method="GET",status="503"} 1');
  });

  test('describes itself in valid OpenAPI 3.1, every row of the contract included', async () => {
    const { server } = await started();
    const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: Record<string, Record<string, unknown>> };
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    const rows = Object.entries(document.paths).flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`));
    const session = '/v1/sessions/{session}';
    const table = `${session}/tables/{name}`;
    expect(rows.toSorted()).toEqual(
      [
        ...['POST', 'GET', 'DELETE'].map((method) => `${method} /v1/sessions`),
        ...['GET', 'PATCH', 'DELETE'].map((method) => `${method} ${session}`),
        ...['touch', 'cancel', 'sql'].map((verb) => `POST ${session}/${verb}`),
        ...['PUT', 'GET', 'DELETE'].map((method) => `${method} ${table}`),
        `POST ${table}/rows`,
        ...['/v1/lifecycle', '/healthz', '/readyz', '/metrics', '/v1/cluster', '/openapi.json', '/console', '/console/{file}'].map((path) => `GET ${path}`),
      ].toSorted(),
    );
  });

  test('answers HEAD without a body and OPTIONS with what a path takes', async () => {
    const { call } = await started({ corsOrigin: ['https://app.example'] });
    const head = await call('/healthz', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const origin = { origin: 'https://app.example', 'access-control-request-method': 'POST' };
    const preflight = await call('/v1/sessions', { method: 'OPTIONS', headers: origin });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('allow')).toContain('POST');
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Idempotency-Key');
    const stranger = await call('/v1/sessions', { headers: { origin: 'https://evil.example' } });
    expect(stranger.headers.has('access-control-allow-origin')).toBe(false);
  });
});

describe('what is not good HTTP', () => {
  test('garbage and huge headers get a problem, garbage behind a good call leaves its answer whole', async () => {
    const { server } = await started();
    expect(await raw(server, 'GARBAGE\r\n\r\n')).toContain('"code":"invalid_request"');
    expect(await raw(server, `GET /healthz HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)).toContain('The headers are larger than 16384 bytes');
    const behind = await raw(server, 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n\u0001\u0002 nonsense\r\n\r\n');
    expect(behind).toMatch(/^(HTTP\/1\.1 200 [^]*\{"status":"ok"\})?(HTTP\/1\.1 400 [^]*"code":"invalid_request"[^]*\})?$/);
  });

  test('HTTP/1.0 is refused where the answer streams, before anything runs', async () => {
    const { server, memory, open } = await started();
    const body = '{"query":"select"}';
    const head = `POST ${sql(await open())} HTTP/1.0\r\nmayfly-tenant: acme\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    expect(await raw(server, head + body)).toMatch(/ 400 [^]*"field":"http_version"/);
    expect(memory.runs).not.toContain('select');
  });
});
