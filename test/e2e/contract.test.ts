import { once } from 'node:events';
import * as http from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEPLOYMENTS } from './deployments.ts';
import type { Deployment } from './deployments.ts';

type Body = object | string | undefined;
interface Said {
  readonly status: number;
  readonly json: Record<string, unknown>;
}

/** The words of the contract, as a program without any library of ours says them. */
describe.each(Object.keys(DEPLOYMENTS))('the contract, over HTTP, on %s', (nodes) => {
  let folder: string;
  let deployment: Deployment;
  let session: string;

  async function say(method: string, path: string, body?: Body, headers: Record<string, string> = {}): Promise<Said> {
    const answer = await fetch(deployment.next() + path, {
      method,
      headers: { 'mayfly-tenant': 'acme', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
  }
  const opened = async (body: object, tenant = 'acme') =>
    `/v1/sessions/${String((await say('POST', '/v1/sessions', body, { 'mayfly-tenant': tenant })).json['session_id'])}`;
  const valueOf = async (query: string, parameters?: object | string) => {
    const body = typeof parameters === 'string' ? `{"query":${JSON.stringify(query)},"parameters":${parameters}}` : { query, parameters };
    return ((await say('POST', `${session}/sql`, body)).json['rows'] as unknown[][] | undefined)?.[0];
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mayfly-contract-'));
    deployment = await DEPLOYMENTS[nodes]!(folder, '--drain-ms', '0', '--timeout-max', '2h');
    session = await opened({});
    await say('PUT', `${session}/tables/people`, {
      columns: [
        { name: 'id', type: 'BIGINT', nullable: false },
        { name: 'name', type: 'VARCHAR' },
      ],
      primary_key: ['id'],
    });
  });

  afterAll(async () => {
    expect(new Set(await deployment.stop())).toEqual(new Set([0]));
    await rm(folder, { recursive: true });
  });

  const rows = '/tables/people/rows';
  const column = (name: string, type: string) => ({ columns: [{ name, type }] });

  it.each<[string, string, Body, number, object]>([
    ['POST', '/v1/sessions', { timeout: '3h' }, 400, { code: 'invalid_request', field: 'timeout', max: 7_200_000 }],
    ['POST', '/v1/sessions', { timeout_ms: 7_200_001 }, 400, { code: 'invalid_request', field: 'timeout_ms' }],
    ['POST', '/v1/sessions', { idle_timeout: '3h' }, 400, { code: 'invalid_request', field: 'idle_timeout' }],
    ['POST', '/v1/sessions', { idle_timeout_ms: 0 }, 400, { code: 'invalid_request', field: 'idle_timeout_ms' }],
    ['POST', '/v1/sessions', { timeout: 'soon' }, 400, { code: 'invalid_request', field: 'timeout' }],
    ['POST', '/v1/sessions', { timeout: '1h', timeout_ms: 1 }, 400, { code: 'invalid_request', field: 'timeout' }],
    ['POST', '/v1/sessions', { labels: { 'a:b': 'c' } }, 400, { code: 'invalid_request', field: 'labels.a:b' }],
    ['PATCH', '', { timeout: '3h' }, 400, { code: 'invalid_request', field: 'timeout' }],
    ['PATCH', '', { timeout_ms: 1 }, 400, { code: 'invalid_request', field: 'timeout_ms' }],
    ['PATCH', '', { labels: {} }, 400, { code: 'invalid_request', field: 'labels' }],
    ['GET', '/v1/sessions?cursor=nowhere', undefined, 400, { code: 'invalid_request', field: 'cursor' }],
    ['GET', '/v1/sessions?limit=1001', undefined, 400, { code: 'invalid_request', field: 'limit' }],
    ['GET', '/v1/sessions?state=gone', undefined, 400, { code: 'invalid_request', field: 'state' }],
    ['GET', '/v1/sessions?label=u:1&label=u:2', undefined, 400, { code: 'invalid_request', field: 'label' }],
    ['DELETE', '/v1/sessions', undefined, 400, { code: 'invalid_request', field: 'label' }],
    ['DELETE', '/v1/sessions?label=u:1&label=u:2', undefined, 400, { code: 'invalid_request', field: 'label' }],
    ['DELETE', '?as=closed', undefined, 400, { code: 'invalid_request', field: 'as' }],
    ['GET', '/v1/sessions/00000000-0000-4000-8000-000000000000', undefined, 404, { code: 'unknown_session' }],
    ['PUT', '/tables/people', column('id', 'INT'), 409, { code: 'duplicate_table', name: 'people' }],
    ['PUT', '/tables/table', column('id', 'INT'), 400, { code: 'invalid_name', name: 'table', max: 24 }],
    ['PUT', '/tables/People', column('id', 'INT'), 400, { code: 'invalid_name', name: 'People' }],
    ['PUT', '/tables/a_name_of_25_characters__', column('id', 'INT'), 400, { code: 'name_too_long', max: 24 }],
    ['PUT', '/tables/t', {}, 400, { code: 'invalid_request', field: 'columns' }],
    ['PUT', '/tables/t', { ...column('id', 'INT'), primary_key: ['no'] }, 400, { code: 'invalid_request', field: 'primary_key' }],
    ['PUT', '/tables/t?primary_key=no', column('id', 'INT'), 400, { code: 'invalid_request', field: 'primary_key' }],
    ['PUT', '/tables/t?primary_key=id', { ...column('id', 'INT'), primary_key: ['no'] }, 400, { code: 'invalid_request', field: 'primary_key' }],
    ['PUT', '/tables/t', { ...column('id', 'INT[]'), primary_key: ['id'] }, 400, { code: 'invalid_request', field: 'primary_key' }],
    ['PUT', '/tables/t', { query: "SELECT {'a': 1} AS id", primary_key: ['id'] }, 400, { code: 'invalid_request', field: 'primary_key' }],
    ['PUT', '/tables/t', column('id', 'NOPE'), 422, { code: 'unsupported_type', field: 'id' }],
    ['PUT', '/tables/t', column('id', 'INT); DROP TABLE people'), 400, { code: 'invalid_request', field: 'id' }],
    ['PUT', '/tables/t', column('', 'INT'), 422, { code: 'unsupported_type', field: '' }],
    ['PUT', '/tables/t', { columns: [...column('id', 'INT').columns, ...column('ID', 'INT').columns] }, 422, { code: 'unsupported_type', field: 'ID' }],
    ['PUT', '/tables/t', { query: 'DELETE FROM people' }, 403, { code: 'statement_not_allowed', statement: 'DELETE' }],
    ['PUT', '/tables/t', { query: 'SELECT nope' }, 400, { code: 'query_error' }],
    ['GET', '/tables/nope', undefined, 404, { code: 'unknown_table', name: 'nope' }],
    ['DELETE', '/tables/nope', undefined, 404, { code: 'unknown_table', name: 'nope' }],
    ['POST', '/tables/nope/rows', [{ id: 1 }], 404, { code: 'unknown_table', name: 'nope' }],
    ['POST', rows, '{"id":1}', 400, { code: 'invalid_rows', line: 1 }],
    ['POST', rows, '[{"id":1},\n{"id":2},\n{"id":}]', 400, { code: 'invalid_rows', line: 3 }],
    ['POST', rows, '[{"id":1}', 400, { code: 'invalid_rows', line: 1 }],
    ['POST', rows, [{ id: 1, nope: 1 }], 400, { code: 'invalid_rows', field: 'nope' }],
    ['POST', rows, [{ id: 1 }, { id: '9223372036854775808' }], 422, { code: 'value_out_of_range', field: 'id' }],
    ['POST', rows, [{ id: 1 }, { id: 1 }], 409, { code: 'constraint_violation' }],
    ['POST', rows, [{ id: 1 }, { name: 'nobody' }], 409, { code: 'constraint_violation' }],
    ['POST', '/sql', { query: '' }, 400, { code: 'invalid_request', field: 'query' }],
    ['POST', '/sql', { query: '-- nothing' }, 400, { code: 'invalid_request', field: 'query' }],
    ['POST', '/sql', { query: 'SELECT 1', timeout: '1h' }, 400, { code: 'invalid_request', field: 'timeout' }],
    ['POST', '/sql', { query: 'SELECT 1', timeout: '1s', timeout_ms: 1 }, 400, { code: 'invalid_request', field: 'timeout' }],
    ['POST', '/sql', { query: 'SELECT 1', table: 'nope' }, 404, { code: 'unknown_table', name: 'nope' }],
    ['POST', '/sql', { query: 'FROM {nope}' }, 404, { code: 'unknown_table', name: 'nope' }],
    ['POST', '/sql', { query: 'SELECT $a', parameters: { b: 1 } }, 400, { code: 'invalid_request', field: 'parameters.b' }],
    ['POST', '/sql', { query: 'SELECT 1; SELECT 2' }, 403, { code: 'statement_not_allowed' }],
    ['POST', '/sql', { query: "SELECT * FROM read_csv('x')" }, 403, { code: 'statement_not_allowed', function: 'read_csv' }],
    ['POST', '/sql', { query: 'SELEC 1' }, 400, { code: 'query_error' }],
    ['POST', '/sql', { query: "SELECT error('no')" }, 400, { code: 'query_error', detail: 'no' }],
    [
      'POST',
      '/sql',
      { query: 'SELECT count(*) FROM range(1000000000) a JOIN range(1000000) b ON a.range % 7 = b.range % 5', timeout_ms: 100 },
      422,
      { code: 'query_timeout' },
    ],
    ['GET', '/v1/lifecycle?from=x', undefined, 400, { code: 'invalid_request', field: 'from' }],
    ['GET', '/v1/lifecycle?session_id=x', undefined, 400, { code: 'invalid_request', field: 'session_id' }],
  ])('%s %s %j is refused', async (method, path, body, status, problem) => {
    const said = await say(method, path.startsWith('/v1') ? path : session + path, body);
    expect(said).toMatchObject({ status, json: { status, type: `urn:mayfly:problem:${(problem as { code: string }).code}`, ...problem } });
    expect((await say('GET', `${session}/tables/people`)).json).toMatchObject({ rows: 0 });
  });

  it.each<[string, unknown]>([
    ['1::TINYINT', 1],
    ['9007199254740991::BIGINT', 9_007_199_254_740_991],
    ['9007199254740992::BIGINT', '9007199254740992'],
    ['-9007199254740992::BIGINT', '-9007199254740992'],
    ['18446744073709551615::UBIGINT', '18446744073709551615'],
    ['1::HUGEINT', '1'],
    ['1.50::DECIMAL(10,2)', '1.50'],
    ["'NaN'::DOUBLE", 'NaN'],
    ["'Infinity'::FLOAT", 'Infinity'],
    ["'-Infinity'::DOUBLE", '-Infinity'],
    ['0.1::DOUBLE', 0.1],
    [String.raw`'\x00\xFF'::BLOB`, 'AP8='],
    ["TIMESTAMPTZ '2024-02-29 12:00:00.5+02'", '2024-02-29T10:00:00.5Z'],
    ["DATE '2024-02-29'", '2024-02-29'],
    ['[1, 9007199254740993]', [1, '9007199254740993']],
    ["{'a': 1.5::DECIMAL(3,1), 'b': NULL}", { a: '1.5', b: null }],
    ['true', true],
  ])('writes %s as JSON holds it exactly', async (sql, value) => {
    expect(await valueOf(`SELECT ${sql}`)).toEqual([value]);
  });

  it.each<[string, string, unknown]>([
    ['7', 'INTEGER', 7],
    ['-2147483649', 'BIGINT', -2_147_483_649],
    ['9007199254740991', 'BIGINT', 9_007_199_254_740_991],
    ['1e18', 'BIGINT', '1000000000000000000'],
    ['1e300', 'DOUBLE', 1e300],
    ['1.5', 'DOUBLE', 1.5],
    ['"text"', 'VARCHAR', 'text'],
    ['true', 'BOOLEAN', true],
    ['[1,1.5,null]', 'DOUBLE[]', [1, 1.5, null]],
    ['[1,1e18]', 'BIGINT[]', [1, '1000000000000000000']],
    ['{"a":[1]}', 'STRUCT(a INTEGER[])', { a: [1] }],
  ])('takes the parameter %s as %s', async (parameter, type, value) => {
    expect(await valueOf('SELECT typeof($1), $1', `[${parameter}]`)).toEqual([type, value]);
  });

  it('refuses a number in JSON that would become another one, and takes it as a text', async () => {
    for (const literal of ['9007199254740993', '-9007199254740993', '[1, 12345678901234567890]']) {
      const said = await say('POST', `${session}/sql`, `{"query":"SELECT $n","parameters":{"n":${literal}}}`);
      expect([literal, said.status, said.json]).toMatchObject([literal, 400, { code: 'invalid_request', field: 'body' }]);
    }
    expect(await valueOf('SELECT $n::BIGINT', { n: '9007199254740993' })).toEqual(['9007199254740993']);
    expect(await valueOf("SELECT '9007199254740993 is a text'")).toEqual(['9007199254740993 is a text']);
  });

  it('lists by state, label and page, what ended lately included', async () => {
    const tenant = { 'mayfly-tenant': 'lister' };
    const ids: string[] = [];
    for (const user of ['0', '1', '0', '1']) ids.push((await opened({ labels: { user, kind: 'x' } }, 'lister')).slice('/v1/sessions/'.length));
    await say('DELETE', `/v1/sessions/${ids[0]}`, undefined, tenant);
    await say('DELETE', `/v1/sessions/${ids[1]}?as=timed_out`, undefined, tenant);
    const list = async (query: string) => {
      const { sessions, next_cursor } = (await say('GET', `/v1/sessions${query}`, undefined, tenant)).json as {
        sessions: { session_id: string }[];
        next_cursor: string | null;
      };
      return { found: sessions.map(({ session_id }) => ids.indexOf(session_id)), next_cursor };
    };
    for (const [query, found] of [
      ['', [0, 1, 2, 3]],
      ['?state=active', [2, 3]],
      ['?state=closed', [0]],
      ['?state=timed_out', [1]],
      ...['open', 'closing', 'partial_failure'].map((state) => [`?state=${state}`, []] as const),
      ['?label=user:1', [1, 3]],
      ['?label=user:1&label=kind:x', [1, 3]],
      ['?label=user:1&label=kind:y', []],
      ['?label=user:1&state=active', [3]],
      ['?limit=1000', [0, 1, 2, 3]],
    ] as const) {
      expect([query, await list(query)]).toEqual([query, { found, next_cursor: null }]);
    }
    const first = await list('?limit=3');
    expect(first).toEqual({ found: [0, 1, 2], next_cursor: expect.any(String) });
    expect(await list(`?limit=3&cursor=${first.next_cursor}`)).toEqual({ found: [3], next_cursor: null });
    const erased = await say('DELETE', '/v1/sessions?label=user:1&label=kind:x', undefined, tenant);
    expect(erased).toMatchObject({ status: 200, json: { closed: [{ session_id: ids[3], event: 'closed' }], failed: [] } });
  });

  it('does a keyed call once, a big streamed insert and a PATCH among them', async () => {
    const key = (name: string) => ({ 'idempotency-key': name });
    const many = JSON.stringify(Array.from({ length: 20_000 }, (_, id) => ({ id: id + 1, name: `person ${id}` })));
    const own = await opened({});
    await say('PUT', `${own}/tables/people`, column('id', 'BIGINT'));
    await say('DELETE', `${own}/tables/people`);
    await say('PUT', `${own}/tables/people`, { query: 'SELECT 1::BIGINT AS id, NULL::VARCHAR AS name LIMIT 0' }, key('make'));
    expect(await say('PUT', `${own}/tables/people`, { query: 'SELECT 1::BIGINT AS id, NULL::VARCHAR AS name LIMIT 0' }, key('make'))).toMatchObject({
      status: 201,
    });
    const inserts = await Promise.all(Array.from({ length: 4 }, () => say('POST', own + rows, many, key('insert'))));
    expect(inserts).toEqual(Array.from({ length: 4 }, () => ({ status: 200, json: { rows: 20_000 } })));
    expect((await say('GET', `${own}/tables/people`)).json).toMatchObject({ rows: 20_000 });
    expect(await say('POST', own + rows, many.replace('person 19999', 'person 00000'), key('insert'))).toMatchObject({
      status: 422,
      json: { code: 'idempotency_mismatch' },
    });
    const patched = await say('PATCH', own, { timeout: '30m' }, key('patch'));
    await say('PATCH', own, { timeout: '40m' });
    expect(await say('PATCH', own, { timeout: '30m' }, key('patch'))).toEqual(patched);
    expect((await say('GET', own)).json).toMatchObject({ timeout_ms: 2_400_000 });
    expect(await say('PATCH', own, { timeout: '31m' }, key('patch'))).toMatchObject({ status: 422, json: { code: 'idempotency_mismatch' } });
  });

  it.each(['its timeout is over', 'it is cancelled'])(
    'lets the next statement have its turn though nobody reads the answer before it, once %s',
    async (how) => {
      const own = await opened({});
      const bounds = how === 'it is cancelled' ? {} : { timeout: '3s' };
      for (const _node of deployment.nodes) {
        const headers = { 'mayfly-tenant': 'acme', 'content-type': 'application/json' };
        const request = http.request(`${deployment.next()}${own}/sql`, { method: 'POST', headers });
        request.end(JSON.stringify({ query: "SELECT repeat('x', 1000) FROM range(300000)", ...bounds }));
        const [unread] = (await once(request, 'response')) as [http.IncomingMessage];
        expect(unread.statusCode).toBe(200);
        const next = say('POST', `${own}/sql`, { query: 'SELECT 42' });
        if (how === 'it is cancelled') await say('POST', `${own}/cancel`);
        expect((await next).json).toMatchObject({ rows: [[42]] });
        unread.resume();
        await expect(once(unread, 'end')).rejects.toThrow('aborted');
      }
    },
  );
});
