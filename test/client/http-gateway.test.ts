import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { connect, type ConnectOptions } from '../../src/client/connect.ts';
import { HttpGateway } from '../../src/client/http-gateway.ts';
import type { HttpCallerOptions } from '../../src/client/http-caller.ts';
import {
  Forbidden,
  Internal,
  InvalidRequest,
  NoTenantBinding,
  NotFound,
  PartialDeletionFailure,
  PayloadTooLarge,
  QueryCancelled,
  Unauthorized,
  Unavailable,
} from '../../src/domain/errors.ts';
import type { ByteStream } from '../../src/domain/gateway.ts';
import { parseSessionId } from '../../src/domain/ids.ts';
import { parseTenant } from '../../src/domain/tenant.ts';
import { remote, type Served } from './served.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

const acme = parseTenant('acme');
const session = parseSessionId('00000000-0000-4000-8000-000000000000');
const servers: Server[] = [];
const served: Served[] = [];

afterEach(async () => {
  for (const one of served.splice(0)) await one.stop();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A server that gives one answer after another, the last one for ever; and a client that does not really sleep. */
async function scripted(answers: readonly Answer[], options: HttpCallerOptions & { prefix?: string } = {}) {
  const requests: { method: string; url: string; headers: IncomingMessage['headers']; body: () => string }[] = [];
  const slept: number[] = [];
  const server = createServer((request, response) => {
    let body = '';
    const answer = answers[Math.min(requests.length, answers.length - 1)] as Answer;
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: () => body });
    request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
    request.on('error', () => undefined);
    answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${options.prefix ?? ''}`;
  const sleep = async (ms: number): Promise<void> => void slept.push(ms);
  return { gateway: new HttpGateway(url, { sleep, random: () => 1, ...options }), requests, slept, url };
}

const json =
  (status: number, content: unknown, headers: Record<string, string> = {}): Answer =>
  (request, response) => {
    const send = (): unknown => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(content));
    request.once('end', send).resume();
  };
const problem = (status: number, code: string, fields: object = {}, headers: Record<string, string> = {}): Answer =>
  json(
    status,
    { type: `urn:mayfly:problem:${code}`, title: 't', status, code, detail: `it is ${code}`, retryable: status === 503, instance: 'urn:uuid:1', ...fields },
    headers,
  );
const hangUp: Answer = (request) => request.socket.destroy();
const view = {
  session_id: session,
  tenant_id: 'acme',
  state: 'active',
  created_at: new Date(0).toISOString(),
  expires_at: null,
  timeout_ms: null,
  idle_timeout_ms: null,
  labels: {},
  node_id: 'n',
};
const terminal = {
  session_id: session,
  tenant_id: 'acme',
  event: 'closed',
  occurred_at: new Date(0).toISOString(),
  ephemeral_table_count: 0,
  deleted_row_count: 0,
};

async function* bytes(...chunks: Uint8Array[]): ByteStream {
  yield* chunks;
}

describe('retries', () => {
  it('repeats GET and DELETE through hang-ups and 503, with growing pauses', async () => {
    const { gateway, requests, slept } = await scripted([hangUp, problem(503, 'unavailable'), problem(503, 'lease_lost'), json(200, { ...view, tables: [] })]);
    expect(await gateway.describeSession(acme, session)).toMatchObject({ session_id: session });
    expect(requests).toHaveLength(4);
    expect(slept).toEqual([100, 200, 400]);
    const closing = await scripted([hangUp, json(200, terminal)]);
    expect(await closing.gateway.closeSession(acme, session, 'close')).toEqual(terminal);
    expect(closing.requests.map(({ method }) => method)).toEqual(['DELETE', 'DELETE']);
  });

  it('honours Retry-After, and does not wait for one that is too far away', async () => {
    const near = await scripted([problem(503, 'node_draining', {}, { 'retry-after': '3' }), json(200, { sessions: [], next_cursor: null })]);
    await near.gateway.listSessions(acme, {});
    expect(near.slept).toEqual([3_000]);
    const far = await scripted([problem(429, 'quota_exceeded', { quota: 'sessions' }, { 'retry-after': '60' })]);
    await expect(far.gateway.listSessions(acme, {})).rejects.toMatchObject({ code: 'quota_exceeded', quota: 'sessions' });
    expect([far.requests.length, far.slept]).toEqual([1, []]);
  });

  it('gives up after a bounded number of tries', async () => {
    const { gateway, requests } = await scripted([problem(503, 'unavailable')], { retriesMax: 2 });
    await expect(gateway.describeSession(acme, session)).rejects.toBeInstanceOf(Unavailable);
    expect(requests).toHaveLength(3);
  });

  it('repeats keyed calls under the same key and with the same body', async () => {
    const { gateway, requests } = await scripted([hangUp, problem(503, 'unavailable'), json(201, view)]);
    await gateway.openSession(acme, { timeout: '1h' });
    const keys = requests.map(({ headers }) => headers['idempotency-key']);
    expect([new Set(keys).size, typeof keys[0]]).toEqual([1, 'string']);
    expect(requests.slice(1).map((request) => request.body())).toEqual(['{"timeout":"1h"}', '{"timeout":"1h"}']);
    const table = await scripted([hangUp, json(201, { name: 'n' })]);
    await table.gateway.createTable(
      acme,
      session,
      'n',
      { source: { kind: 'arrow', body: bytes(Uint8Array.of(1, 2)) }, primary_key: ['a', 'b'] },
      { idempotency_key: 'mine' },
    );
    expect(table.requests.map(({ headers, url }) => [headers['idempotency-key'], url.split('?')[1]])).toEqual([
      ['mine', 'primary_key=a%2Cb'],
      ['mine', 'primary_key=a%2Cb'],
    ]);
  });

  it('never repeats a statement, an insert without a key, a cancel, or a stream that was sent', async () => {
    const once = async (call: (gateway: HttpGateway) => Promise<unknown>): Promise<void> => {
      for (const answer of [hangUp, problem(503, 'unavailable')]) {
        const { gateway, requests } = await scripted([answer]);
        await expect(call(gateway)).rejects.toBeInstanceOf(Unavailable);
        expect(requests).toHaveLength(1);
      }
    };
    const large = new Uint8Array(100 * 1024);
    await once((gateway) => gateway.query(acme, session, { query: 'DELETE FROM n' }, 'arrow'));
    await once((gateway) => gateway.insertRows(acme, session, 'n', 'json', bytes(Buffer.from('[]'))));
    await once((gateway) => gateway.cancelStatement(acme, session));
    await once((gateway) => gateway.insertRows(acme, session, 'n', 'arrow', bytes(large, large), { idempotency_key: 'k' }));
  });

  it('hands on a partial deletion at once: the node retries it itself', async () => {
    const { gateway, requests } = await scripted([problem(500, 'partial_deletion_failure', { session_id: session, failed: 1, total: 2, retryable: true })]);
    const error: unknown = await gateway.closeSession(acme, session, 'close').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PartialDeletionFailure);
    expect(error).toMatchObject({ failed: 1, total: 2, retryable: true });
    expect(requests).toHaveLength(1);
  });

  it('stops retrying when the caller aborts', async () => {
    const stop = new AbortController();
    const sleep = async (): Promise<void> => stop.abort();
    const { gateway, requests } = await scripted([problem(503, 'unavailable')], { sleep });
    await expect(gateway.openSession(acme, {}, { signal: stop.signal })).rejects.toBeInstanceOf(Unavailable);
    expect(requests.length).toBeLessThan(3);
  });
});

describe('errors', () => {
  it('are the typed ones of the problem document, fields included', async () => {
    const { gateway } = await scripted([problem(410, 'session_ended', { ended: terminal })]);
    await expect(gateway.touchSession(acme, session)).rejects.toMatchObject({
      code: 'session_ended',
      ended: terminal,
      message: 'it is session_ended',
      instance: 'urn:uuid:1',
    });
  });

  it('are sensible where something else answers', async () => {
    const cases = [
      [401, Unauthorized],
      [403, Forbidden],
      [404, NotFound],
      [413, PayloadTooLarge],
      [502, Unavailable],
      [418, Internal],
    ] as const;
    for (const [status, Class] of cases) {
      const { gateway } = await scripted([(_request, response) => response.writeHead(status).end('<html>proxy</html>')], { retriesMax: 0 });
      await expect(gateway.describeSession(acme, session)).rejects.toBeInstanceOf(Class);
    }
  });

  it('are Unavailable with the cause where nobody answers', async () => {
    const gateway = new HttpGateway('http://127.0.0.1:9', { retriesMax: 0 });
    const error: unknown = await gateway.describeSession(acme, session).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Unavailable);
    expect((error as Error).cause).toBeInstanceOf(Error);
  });

  it('refuse a URL that is none', async () => {
    await expect(connect('not a url')).rejects.toBeInstanceOf(InvalidRequest);
    await expect(connect('ftp://host')).rejects.toBeInstanceOf(InvalidRequest);
  });
});

describe('streams', () => {
  const arrow = tableToIPC(tableFromArrays({ n: new Int32Array(50_000) }), 'stream');

  it('that are cut in the middle of an answer are Unavailable, never short (I8)', async () => {
    const cut: Answer = (request, response) => {
      response.writeHead(200, { 'content-type': 'application/vnd.apache.arrow.stream' });
      response.write(arrow.subarray(0, 100_000), () => request.socket.destroy());
    };
    const { url } = await scripted([cut]);
    const mayfly = await connect(url);
    await expect(mayfly.tenant('acme').session(session).sql('SELECT 1')).rejects.toBeInstanceOf(Unavailable);
    const short: Answer = (request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"sessions":[]', () => request.socket.destroy());
    };
    const listing = await scripted([short], { retriesMax: 0 });
    await expect(listing.gateway.listSessions(acme, {})).rejects.toBeInstanceOf(Unavailable);
  });

  it('send a large body at the pace at which it is read', async () => {
    let paused: IncomingMessage | undefined;
    const slow: Answer = (request, response) => {
      paused = request.pause();
      request.once('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{"rows":1}'));
    };
    const { gateway } = await scripted([slow]);
    const chunk = new Uint8Array(256 * 1024);
    let read = 0;
    async function* source() {
      for (; read < 400; read += 1) yield chunk;
    }
    const inserted = gateway.insertRows(acme, session, 'n', 'arrow', source());
    await vi.waitFor(() => expect(paused).toBeDefined());
    let before = -1;
    // The source stands still once the buffers in between are full.
    await vi.waitFor(
      () => {
        const still = read === before;
        before = read;
        expect(still).toBe(true);
      },
      { interval: 100, timeout: 5_000 },
    );
    expect(read).toBeLessThan(200);
    paused?.resume();
    expect(await inserted).toEqual({ rows: 1 });
    expect(read).toBe(400);
  });

  it('cut the request when the caller aborts in the middle of an insert', async () => {
    let closed = false;
    const reading: Answer = (request) => void request.resume().once('close', () => (closed = true));
    const { url, requests } = await scripted([reading]);
    const mayfly = await connect(url);
    const stop = new AbortController();
    async function* endless() {
      for (;;) yield tableFromArrays({ n: new Int32Array(50_000) });
    }
    const inserted = mayfly.tenant('acme').session(session).insert('n', endless(), { signal: stop.signal });
    await vi.waitFor(() => expect(requests).toHaveLength(1));
    stop.abort();
    await expect(inserted).rejects.toBeInstanceOf(QueryCancelled);
    await vi.waitFor(() => expect(closed).toBe(true));
  });

  it('are gathered, within a bound, where the runtime cannot stream a request', async () => {
    const { gateway, requests } = await scripted([json(200, { rows: 1 })], { streamBodies: false, gatherMaxBytes: 150 * 1024 });
    const large = new Uint8Array(70 * 1024);
    await gateway.insertRows(acme, session, 'n', 'arrow', bytes(large, large));
    expect(requests[0]?.headers['content-length']).toBe(String(140 * 1024));
    await expect(gateway.insertRows(acme, session, 'n', 'arrow', bytes(large, large, large))).rejects.toBeInstanceOf(PayloadTooLarge);
  });

  it('that follow the log go on behind the last entry they saw', async () => {
    const entry = (offset: number, event: string): string => `${JSON.stringify({ offset, record: { ...terminal, event } })}\n`;
    const first: Answer = (request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.write(entry(3, 'opened') + entry(7, 'opened').slice(0, 20), () => request.socket.destroy());
    };
    const second: Answer = (_request, response) =>
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(entry(7, 'opened') + entry(9, 'closed'));
    const { gateway, requests } = await scripted([first, second]);
    const seen: number[] = [];
    for await (const { offset, record } of gateway.lifecycle(acme, { from: 2, follow: true, session_id: session })) {
      seen.push(offset);
      if (record.event === 'closed') break;
    }
    expect(seen).toEqual([3, 7, 9]);
    expect(requests.map(({ url }) => new URL(url, 'http://x').searchParams.get('from'))).toEqual(['2', '4']);
    const replay = await scripted([first]);
    await expect(
      (async () => {
        for await (const _entry of replay.gateway.lifecycle(acme, {}));
      })(),
    ).rejects.toBeInstanceOf(Unavailable);
  });
});

describe('closing', () => {
  it('waits at the Location of a 202 until the record is there', async () => {
    const path = `/v1/sessions/${session}`;
    const { gateway, requests } = await scripted([
      json(202, {}, { location: `${path}?at=1` }),
      json(200, { ...view, state: 'closing', tables: [] }),
      json(200, { ...view, state: 'closed', tables: [], ended: terminal }),
    ]);
    expect(await gateway.closeSession(acme, session, 'forced')).toEqual(terminal);
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([`DELETE ${path}?as=timed_out`, `GET ${path}?at=1`, `GET ${path}?at=1`]);
  });

  it('asks again when the deletion turned out partial, and never follows a Location to another host', async () => {
    const { gateway, requests } = await scripted([
      json(202, {}, { location: 'http://elsewhere.invalid/v1/sessions/x' }),
      json(200, { ...view, state: 'partial_failure', tables: [] }),
      problem(500, 'partial_deletion_failure', { failed: 1, total: 1 }),
    ]);
    await expect(gateway.closeSession(acme, session, 'close')).rejects.toBeInstanceOf(PartialDeletionFailure);
    expect(requests.map(({ method }) => method)).toEqual(['DELETE', 'GET', 'DELETE']);
  });

  it('of the client ends the sessions it opened, leaves others, and cuts what is under way', async () => {
    const one = await remote();
    served.push(one);
    const other = await (await connect(one.url)).tenant('acme').openSession();
    const opened = await one.mayfly.tenant('acme').openSession();
    const attached = one.mayfly.tenant('acme').session(other.id);
    const waiting = attached.ended.catch((thrown: unknown) => thrown);
    await vi.waitFor(() => expect(one.gateway.requests.length).toBe(2));
    await attached.touch();
    await one.mayfly.close();
    expect(one.gateway.sessions.get(opened.id)?.record).toMatchObject({ event: 'closed', details: { reason: 'close' } });
    expect(one.gateway.sessions.get(other.id)?.record).toBeUndefined();
    expect(await waiting).toBeInstanceOf(Unavailable);
    await expect(attached.touch()).rejects.toBeInstanceOf(Unavailable);
  });
});

describe('who is calling', () => {
  const tokens = { tokens: [{ token: 'secret', tenant: 'acme' }] };
  const over = async (options: ConnectOptions): Promise<Served> => {
    const one = await remote(options, tokens);
    served.push(one);
    return one;
  };

  it('leaves the tenant to the token when no name is given', async () => {
    const { mayfly } = await over({ token: 'secret' });
    const opened = await mayfly.tenant().openSession();
    expect(opened.tenant).toBe('acme');
    expect((await mayfly.tenant('acme').session(opened.id).refresh()).tenant).toBe('acme');
    const attached = mayfly.tenant().session(opened.id);
    expect((await attached.refresh()).tenant).toBe('acme');
    expect(() => mayfly.tenant('')).toThrow(NoTenantBinding);
    await expect(mayfly.tenant('other').openSession()).rejects.toBeInstanceOf(Forbidden);
  });

  it('is refused with a wrong token or none', async () => {
    await expect((await over({ token: 'wrong' })).mayfly.tenant().openSession()).rejects.toBeInstanceOf(Unauthorized);
    await expect((await over({})).mayfly.tenant('acme').openSession()).rejects.toBeInstanceOf(Unauthorized);
  });

  it('may be fixed to one tenant by connect', async () => {
    const { mayfly } = await over({ token: 'secret', tenant: 'acme' });
    expect(mayfly.tenant().name).toBe('acme');
    expect(() => mayfly.tenant('other')).toThrow(Forbidden);
  });

  it('reaches a node behind a path', async () => {
    const { gateway, requests } = await scripted([json(200, { sessions: [], next_cursor: null })], { prefix: '/mayfly/' });
    await gateway.listSessions(acme, { labels: { 'a b': 'c:d' }, state: 'active', limit: 5, cursor: 'x' });
    expect(requests[0]?.url).toBe('/mayfly/v1/sessions?label=a%20b%3Ac%3Ad&state=active&limit=5&cursor=x');
    expect(requests[0]?.headers['mayfly-tenant']).toBe('acme');
  });
});
