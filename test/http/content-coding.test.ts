import { once } from 'node:events';
import * as http from 'node:http';
import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ANSWER_CODINGS, BODY_CODINGS, decoded, type ContentCoding } from '../../src/http/content-coding.ts';
import { pieces } from '../arrow/duckdb-fixture.ts';
import { json, started, type Started } from './started-server.ts';

type Sync = (bytes: Uint8Array) => Buffer;
const { zstdCompressSync, zstdDecompressSync } = zlib as { zstdCompressSync?: Sync; zstdDecompressSync?: Sync };
const ENCODE: Readonly<Record<ContentCoding, Sync>> = { gzip: zlib.gzipSync, br: zlib.brotliCompressSync, zstd: zstdCompressSync ?? fail };
const DECODE: Readonly<Record<ContentCoding, Sync>> = { gzip: zlib.gunzipSync, br: zlib.brotliDecompressSync, zstd: zstdDecompressSync ?? fail };

function fail(): never {
  throw new Error('this Node has no zstd');
}

async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts);
}

/** A request as it is on the wire: `fetch` would decode the answer and hide how it came. */
async function ask(server: Started['server'], path: string, headers: http.OutgoingHttpHeaders, body: string): Promise<http.IncomingMessage> {
  const request = http.request(server.url + path, { method: 'POST', headers: { 'mayfly-tenant': 'acme', 'content-type': 'application/json', ...headers } });
  request.end(body);
  return ((await once(request, 'response')) as [http.IncomingMessage])[0];
}

describe.each(BODY_CODINGS)('a body in %s', (coding) => {
  test('is read as what it was, however it is cut into pieces', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), fc.integer({ min: 1, max: 200 }), async (bytes, size) => {
        expect(await bytesOf(decoded(pieces(ENCODE[coding](bytes), size), coding, 2_000))).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 100 },
    );
  });

  test('that is cut off anywhere, changed, or goes on behind its end is refused', async () => {
    const whole = ENCODE[coding](Buffer.from('some rows, '.repeat(50)));
    for (let cut = 0; cut < whole.length; cut++) {
      await expect(bytesOf(decoded(pieces(whole.subarray(0, cut), 7), coding, 10_000))).rejects.toMatchObject({ code: 'invalid_request', field: 'body' });
    }
    for (const more of [Buffer.from('more'), Buffer.alloc(9_000, 'x')]) {
      await expect(bytesOf(decoded(pieces(Buffer.concat([whole, more]), 64), coding, 10_000))).rejects.toMatchObject({ code: 'invalid_request' });
      await expect(bytesOf(decoded(pieces(Buffer.concat([whole, more]), whole.length), coding, 10_000))).rejects.toMatchObject({ code: 'invalid_request' });
    }
  });

  test('that expands beyond its bound is refused long before it was expanded', async () => {
    const bomb = ENCODE[coding](Buffer.alloc(64 * 1_048_576));
    let bytes = 0;
    const read = async (): Promise<void> => {
      for await (const piece of decoded(pieces(bomb), coding, 1_000_000)) bytes += piece.byteLength;
    };
    await expect(read()).rejects.toMatchObject({ code: 'payload_too_large', limit: 1_000_000 });
    expect(bytes).toBeLessThanOrEqual(1_000_000);
  });

  test('goes in like any other, JSON as well, within the bound on what it expands to', async () => {
    const { call, open } = await started({ limits: { bodyMaxBytes: 100_000, jsonBodyMaxBytes: 10_000 } });
    const headers = { 'content-encoding': coding, 'content-type': 'application/json' };
    const post = (path: string, body: string, more = {}) =>
      call(path, { method: 'POST', headers: { ...headers, ...more }, body: new Uint8Array(ENCODE[coding](Buffer.from(body))) });
    const opened = await post('/v1/sessions', '{"labels":{"a":"b"}}');
    expect(await opened.json()).toMatchObject({ labels: { a: 'b' } });
    const answer = await post('/v1/sessions', JSON.stringify({ labels: { a: 'x'.repeat(20_000) } }));
    expect([answer.status, await answer.json()]).toMatchObject([413, { code: 'payload_too_large', limit: 10_000 }]);
    const path = `/v1/sessions/${await open()}/tables/t`;
    await call(path, { method: 'PUT', body: '', headers: { 'content-type': 'application/vnd.apache.arrow.stream' } });
    const rows = (body: string) => post(`${path}/rows`, body, { 'content-type': 'text/csv' });
    expect(await (await rows('x'.repeat(90_000))).json()).toEqual({ rows: 90_000 });
    expect(await (await rows('x'.repeat(1_000_000))).json()).toMatchObject({ code: 'payload_too_large', limit: 100_000 });
  });
});

test('a body in a coding that is not read is refused with those that are', async () => {
  const { call } = await started();
  for (const coding of ['compress', 'gzip, br', 'nonsense']) {
    const answer = await call('/v1/sessions', json({}, { 'content-encoding': coding }));
    expect([answer.status, await answer.json()]).toMatchObject([415, { code: 'unsupported_media_type', supported: [...BODY_CODINGS, 'identity'] }]);
  }
});

describe.each(ANSWER_CODINGS)('an answer in %s', (coding) => {
  test('is whole and says so', async () => {
    const { server, open } = await started();
    const accept = { 'accept-encoding': coding, accept: 'text/csv' };
    const answer = await ask(server, `/v1/sessions/${await open()}/sql`, accept, '{"query":"stream 4"}');
    expect(answer.headers).toMatchObject({ 'content-encoding': coding, vary: 'Accept, Accept-Encoding' });
    expect(DECODE[coding](await bytesOf(answer))).toEqual(Buffer.alloc(4 * 65_536, 'x'));
  });

  test('that fails after it began is cut, and not whole either (I8)', async () => {
    const { server, open } = await started();
    const answer = await ask(server, `/v1/sessions/${await open()}/sql`, { 'accept-encoding': coding }, '{"query":"stream 400 200"}');
    expect(answer.statusCode).toBe(200);
    await expect(bytesOf(answer)).rejects.toThrow(/aborted/);
  });

  test('that fails before it began has its status', async () => {
    const { server, open } = await started();
    const answer = await ask(server, `/v1/sessions/${await open()}/sql`, { 'accept-encoding': coding }, '{"query":"stream 4 0"}');
    expect([answer.statusCode, answer.headers['content-encoding']]).toEqual([400, undefined]);
    answer.resume();
  });

  test('that nobody reads on cancels its statement', async () => {
    const { server, open, memory } = await started();
    const answer = await ask(server, `/v1/sessions/${await open()}/sql`, { 'accept-encoding': coding }, '{"query":"stream 1000000"}');
    await once(answer, 'readable');
    answer.destroy();
    await expect.poll(() => memory.aborted).toContain('signal');
  });
});

describe('which coding', () => {
  const ARROW = 'application/vnd.apache.arrow.stream';
  test.each([
    ['gzip, deflate', 'application/json', 'gzip'],
    ['br;q=0.5, gzip', 'text/csv', 'gzip'],
    ['br, gzip;q=0.5', 'application/x-ndjson', 'br'],
    ['gzip;q=0.5, identity', 'application/json', undefined],
    ['compress', 'application/json', undefined],
    ['gzip;q=0', 'application/json', undefined],
    // Arrow is coded on demand alone, not for libraries that accept what they know unasked.
    ['gzip, deflate', ARROW, undefined],
    ['*', ARROW, undefined],
    ['br', ARROW, 'br'],
    ['gzip, identity;q=0.1', ARROW, 'gzip'],
  ])('Accept-Encoding: %s for %s', async (acceptEncoding, accept, coding) => {
    const { server, open } = await started();
    const answer = await ask(server, `/v1/sessions/${await open()}/sql`, { 'accept-encoding': acceptEncoding, accept }, '{"query":"stream 2"}');
    expect([answer.headers['content-encoding'], answer.headers['vary']]).toEqual([coding, 'Accept, Accept-Encoding']);
    answer.resume();
  });

  test('none for an answer that is short', async () => {
    const { server, open } = await started();
    const answer = await ask(server, `/v1/sessions/${await open()}/sql`, { 'accept-encoding': 'gzip' }, '{"query":"select"}');
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(JSON.parse((await bytesOf(answer)).toString())).toEqual({ columns: [], rows: [] });
  });

  test('what has no stream is coded as well, and what bears a tag is not', async () => {
    const { server } = await started();
    const get = async (path: string): Promise<http.IncomingMessage> => {
      const request = http.get(server.url + path, { headers: { 'accept-encoding': 'gzip' } });
      return ((await once(request, 'response')) as [http.IncomingMessage])[0];
    };
    const document = await get('/openapi.json');
    expect(document.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(JSON.parse(zlib.gunzipSync(await bytesOf(document)).toString())).toMatchObject({ openapi: '3.1.0' });
    const page = await get('/console');
    expect([page.headers['content-encoding'], page.headers['etag']]).toEqual([undefined, expect.any(String)]);
    page.resume();
  });

  test('a key gives each client the answer in its own', async () => {
    const { server, open } = await started({ limits: { idempotencyAnswerMaxBytes: 1_000_000 } });
    const path = `/v1/sessions/${await open()}/sql`;
    const askFor = (coding: string) => ask(server, path, { 'accept-encoding': coding, 'idempotency-key': 'k' }, '{"query":"stream 2"}');
    const first = await askFor('gzip');
    const again = await askFor('identity');
    expect([first.headers['content-encoding'], again.headers['content-encoding']]).toEqual(['gzip', undefined]);
    const whole = Buffer.alloc(2 * 65_536, 'x');
    expect([zlib.gunzipSync(await bytesOf(first)), await bytesOf(again)]).toEqual([whole, whole]);
  });
});
