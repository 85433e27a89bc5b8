import { connect } from 'node:net';
import { ReadableStream } from 'node:stream/web';
import { describe, expect, test } from 'vitest';
import { json, raw, started } from './started-server.ts';

const ARROW = { 'content-type': 'application/vnd.apache.arrow.stream' };

async function* chunks(count: number, bytes: number): AsyncGenerator<Uint8Array> {
  for (let each = 0; each < count; each += 1) yield new Uint8Array(bytes);
}
const chunked = (count: number, bytes: number, method = 'POST'): RequestInit =>
  ({ method, headers: ARROW, body: ReadableStream.from(chunks(count, bytes)), duplex: 'half' }) as RequestInit;

async function withTable(limits = {}) {
  const all = await started({ limits });
  const path = `/v1/sessions/${await all.open()}`;
  await all.call(`${path}/tables/t`, { method: 'PUT', body: '', headers: ARROW });
  return { ...all, path };
}

describe('answers', () => {
  test('a failure after the answer began cuts the connection without the last chunk (I8)', async () => {
    const { server, open, call } = await started();
    const session = await open();
    await expect(call(`/v1/sessions/${session}/sql`, json({ query: 'stream 40 20' })).then((answer) => answer.text())).rejects.toThrow(/terminated|failed/);
    const body = '{"query":"stream 4 2"}';
    const head = `POST /v1/sessions/${session}/sql HTTP/1.1\r\nhost: x\r\nmayfly-tenant: acme\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    const seen = await raw(server, head + body);
    expect(seen).toContain('HTTP/1.1 200');
    expect(seen.endsWith('0\r\n\r\n')).toBe(false);
  });

  test('a failure before the first byte still has its status', async () => {
    const { open, call } = await started();
    const answer = await call(`/v1/sessions/${await open()}/sql`, json({ query: 'stream 4 0' }));
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([400, 'query_error']);
  });

  test('a client that goes away cancels the statement behind its answer', async () => {
    const { open, call, memory } = await started();
    const gone = new AbortController();
    const answer = await call(`/v1/sessions/${await open()}/sql`, { ...json({ query: 'stream 1000000' }), signal: gone.signal });
    await answer.body?.getReader().read();
    gone.abort();
    await expect.poll(() => memory.aborted).toContain('signal');
  });

  test('a client that goes away before its answer cancels the statement too', async () => {
    const { open, call, memory } = await started();
    const session = await open();
    let release = (): void => undefined;
    memory.gate = new Promise((resolve) => (release = resolve));
    const gone = new AbortController();
    const answer = call(`/v1/sessions/${session}/sql`, { ...json({ query: 'select' }), signal: gone.signal });
    await expect.poll(() => memory.runs).toContain('select');
    gone.abort();
    await expect(answer).rejects.toThrow(/abort/);
    await expect.poll(() => memory.aborted).toContain('signal');
    release();
  });
});

describe('request bodies', () => {
  test('above the bound are refused by length and in the middle of a chunked body', async () => {
    const { call, path } = await withTable({ bodyMaxBytes: 100_000 });
    for (const body of [chunked(40, 10_000), { method: 'POST', headers: ARROW, body: new Uint8Array(400_000) }]) {
      const answer = await call(`${path}/tables/t/rows`, body);
      expect([answer.status, await answer.json()]).toMatchObject([413, { code: 'payload_too_large', limit: 100_000 }]);
    }
    expect(await (await call(`${path}/tables/t`)).json()).toMatchObject({ rows: 0 });
  });

  test('of JSON have their own bound', async () => {
    const { call } = await started({ limits: { jsonBodyMaxBytes: 1_000 } });
    const answer = await call('/v1/sessions', json({ labels: { a: 'x'.repeat(2_000) } }));
    expect([answer.status, await answer.json()]).toMatchObject([413, { limit: 1_000 }]);
  });

  test('that are cut off insert nothing, and the work behind them hears of it', async () => {
    const { server, call, path, memory } = await withTable();
    const socket = connect(server.port, '127.0.0.1');
    const head = `POST ${path}/tables/t/rows HTTP/1.1\r\nhost: x\r\nmayfly-tenant: acme\r\ncontent-type: ${ARROW['content-type']}\r\ncontent-length: 1000\r\n\r\n`;
    socket.write(`${head}half`);
    await expect.poll(async () => (await (await call('/metrics')).text()).includes('mayfly_http_body_bytes_total{direction="in"}')).toBe(true);
    socket.destroy();
    await expect.poll(() => memory.aborted).toContain('insert');
    expect(memory.runs).not.toContain('insert');
    expect(await (await call(`${path}/tables/t`)).json()).toMatchObject({ rows: 0 });
  });

  test('of a refused call do not leave the connection hanging', async () => {
    const { server } = await started({ limits: { lingerMs: 50 } });
    const seen = await raw(server, 'POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{');
    expect(seen).toMatch(/HTTP\/1\.1 400 [^]*connection: close[^]*no_tenant_binding/i);
  });
});

describe('the lifecycle log', () => {
  test('replays as NDJSON from an offset, inclusive', async () => {
    const { call, open } = await started();
    await open();
    await open();
    const answer = await call('/v1/lifecycle?from=2');
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = (await answer.text()).trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { offset: number }).offset)).toEqual([2]);
  });

  test('follows as server-sent events, resumes after Last-Event-ID, keeps alive, and ends at the drain', async () => {
    const { call, open, server } = await started({ limits: { followKeepAliveMs: 20 } });
    await open();
    await open();
    const answer = await call('/v1/lifecycle?from=0&follow=1', { headers: { accept: 'text/event-stream', 'last-event-id': '0' } });
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    let seen = '';
    const reading = (async () => {
      for await (const text of answer.body!.pipeThrough(new TextDecoderStream())) seen += text;
    })();
    await expect.poll(() => seen).toContain('id: 2\nevent: opened\ndata: {');
    expect(seen).not.toContain('id: 0\n');
    expect(seen).toContain('retry: ');
    await expect.poll(() => seen).toContain(': keep-alive\n\n');
    await open();
    await expect.poll(() => seen).toContain('id: 4\n');
    await server.close({ drainMs: 5_000 });
    await reading;
  });

  test.each(['application/x-ndjson', 'text/event-stream'])('a replay as %s under way at the drain comes to its end, or is cut (I8)', async (accept) => {
    for (const [drainMs, outcome] of [
      [5_000, [0, 2, 4]],
      [0, 'cut'],
    ] as const) {
      const { call, open, server, memory } = await started();
      for (let each = 0; each < 3; each += 1) await open();
      let release = (): void => undefined;
      memory.gate = new Promise((resolve) => (release = resolve));
      const answer = await call('/v1/lifecycle', { headers: { accept } });
      const closing = server.close({ drainMs });
      if (drainMs === 0) await closing;
      release();
      const text = await answer.text().catch(() => 'cut');
      expect(text === 'cut' ? text : [...text.matchAll(/"offset":(\d+)/g)].map(([, offset]) => Number(offset))).toEqual(outcome);
      await closing;
    }
  });

  test('a Last-Event-ID that is no offset is refused', async () => {
    const { call } = await started();
    const answer = await call('/v1/lifecycle', { headers: { accept: 'text/event-stream', 'last-event-id': 'x' } });
    expect(await answer.json()).toMatchObject({ code: 'invalid_request', field: 'Last-Event-ID' });
  });
});

describe('the end of the server', () => {
  test('waits for calls under way, and cuts them when the drain is over', async () => {
    const { call, open, memory, server } = await started();
    const session = await open();
    let release = (): void => undefined;
    memory.gate = new Promise((resolve) => (release = resolve));
    const answer = call(`/v1/sessions/${session}/sql`, json({ query: 'select' }));
    await expect.poll(() => memory.runs).toContain('select');
    const closing = server.close({ drainMs: 5_000 });
    release();
    expect((await answer).status).toBe(200);
    await closing;
  });
});
