import { once } from 'node:events';
import { connect } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Int64, Table, Utf8, tableToIPC, vectorFromArray } from 'apache-arrow';
import type { RecordBatch } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEPLOYMENTS } from './deployments.ts';
import type { Deployment } from './deployments.ts';

const ARROW = { 'content-type': 'application/vnd.apache.arrow.stream', 'mayfly-tenant': 'acme' };
const BATCHES = 4;
const BATCH_ROWS = 50;
/** Bytes between two sampled cuts: a prime, so that cuts fall everywhere in a message. */
const SAMPLE_BYTES = 97;

const batch = (at: number): RecordBatch => {
  const ids = Array.from({ length: BATCH_ROWS }, (_, row) => BigInt(at * BATCH_ROWS + row));
  const names = ids.map((id) => `name-${id}`);
  return new Table({ id: vectorFromArray(ids, new Int64()), name: vectorFromArray(names, new Utf8()) }).batches[0]!;
};
const batches = Array.from({ length: BATCHES }, (_, at) => batch(at));
const EOS_BYTES = 8;

/** The stream's length after its schema and after each batch: where a cut leaves whole messages. */
const boundaries = Array.from({ length: BATCHES + 1 }, (_, count) => {
  const part = new Table(batches[0]!.schema, batches.slice(0, count));
  return tableToIPC(part, 'stream').byteLength - EOS_BYTES;
});
const whole = Buffer.from(tableToIPC(new Table(batches), 'stream'));

describe.each(Object.keys(DEPLOYMENTS))('rows that are cut off, over HTTP, on %s', (nodes) => {
  let folder: string;
  let deployment: Deployment;
  let session: string;

  const send = (method: string, path: string, body?: Buffer | object) =>
    fetch(`${deployment.next()}${path}`, {
      method,
      headers: { ...ARROW, ...(body instanceof Buffer ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: body instanceof Buffer ? new Uint8Array(body) : JSON.stringify(body) }),
    });
  const json = async (answer: Response) => (await answer.json()) as Record<string, unknown>;
  const open = async () => {
    const id = (await json(await send('POST', '/v1/sessions', {})))['session_id'] as string;
    await send('PUT', `/v1/sessions/${id}/tables/t`, {
      columns: [
        { name: 'id', type: 'BIGINT' },
        { name: 'name', type: 'VARCHAR' },
      ],
    });
    return `/v1/sessions/${id}`;
  };
  const rows = async () => (await json(await send('GET', `${session}/tables/t`)))['rows'];

  /** Sends the head of an insert and some of its body on a connection of its own. */
  async function begin(path: string, framing: string, bytes: Buffer) {
    const socket = connect(Number(new URL(deployment.next()).port), '127.0.0.1');
    await once(socket, 'connect');
    const head = Object.entries({ host: 'x', ...ARROW }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`POST ${path}/tables/t/rows HTTP/1.1\r\n${head.join('')}${framing}\r\n\r\n`);
    socket.write(bytes);
    return socket;
  }
  const chunk = (bytes: Buffer) => Buffer.concat([Buffer.from(`${bytes.byteLength.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mayfly-cut-'));
    deployment = await DEPLOYMENTS[nodes]!(folder, '--drain-ms', '0');
    session = await open();
  });

  afterAll(async () => {
    expect(new Set(await deployment.stop())).toEqual(new Set([0]));
    await rm(folder, { recursive: true });
  });

  it('I8: a body that ends at any batch boundary, or anywhere else before its marker, inserts nothing', async () => {
    expect(boundaries.at(-1)).toBe(whole.byteLength - EOS_BYTES);
    const sampled = Array.from({ length: Math.ceil(whole.byteLength / SAMPLE_BYTES) }, (_, at) => at * SAMPLE_BYTES);
    for (const cut of [...boundaries, ...sampled, whole.byteLength - 1]) {
      const answer = await send('POST', `${session}/tables/t/rows`, whole.subarray(0, cut));
      expect([cut, answer.status, await json(answer)]).toMatchObject([cut, 400, { code: 'invalid_arrow' }]);
    }
    expect(await rows()).toBe(0);
  });

  it.each([
    ['a length', `content-length: ${whole.byteLength}`, (bytes: Buffer) => bytes],
    ['chunks', 'transfer-encoding: chunked', chunk],
  ])('I8: a connection that is cut in a body with %s inserts nothing', async (_name, framing, frame) => {
    for (const cut of [...boundaries, Math.floor(whole.byteLength / 2), whole.byteLength - 1]) {
      const socket = await begin(session, framing, frame(whole.subarray(0, cut)));
      socket.end();
      socket.resume();
      await once(socket, 'close');
    }
    // The next statement waits its turn behind what the cut ones left.
    expect(await rows()).toBe(0);
  });

  it('all of it inserts all of it', async () => {
    expect(await json(await send('POST', `${session}/tables/t/rows`, whole))).toEqual({ rows: BATCHES * BATCH_ROWS });
    expect(await rows()).toBe(BATCHES * BATCH_ROWS);
    await send('DELETE', session);
  });

  it('a sender that is refused hears why, and may go on sending for a moment', async () => {
    for (const _node of deployment.nodes) {
      const length = 4_000_000;
      const socket = await begin(await open(), `content-length: ${length}`, Buffer.from('no Arrow at all'));
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 [^]*"code":"invalid_arrow"/);
      const broken = once(socket, 'close').then(() => 'closed');
      const sent = new Promise((resolve) => socket.write(Buffer.alloc(length / 2), (error) => resolve(error ?? 'sent')));
      expect(await Promise.race([sent, broken])).toBe('sent');
      socket.destroy();
    }
  });

  it('I1, I6: a close in the middle of an insert leaves one record, which counts what was acknowledged', async () => {
    const closing = await open();
    await send('POST', `${closing}/tables/t/rows`, whole);
    const socket = await begin(closing, 'transfer-encoding: chunked', chunk(whole.subarray(0, boundaries[2])));
    let answer = '';
    socket.on('data', (bytes: Buffer) => (answer += bytes.toString()));
    const records = await Promise.all([send('DELETE', closing), send('DELETE', closing)].map(async (closed) => json(await closed)));
    expect(records[0]).toMatchObject({ event: 'closed', ephemeral_table_count: 1, deleted_row_count: BATCHES * BATCH_ROWS, details: { counted: 'exact' } });
    expect(records[1]).toEqual(records[0]);
    await expect.poll(() => answer).toMatch(/^HTTP\/1\.1 410 [^]*"code":"session_ended"/);
    socket.destroy();
    const log = await (await send('GET', `/v1/lifecycle?session_id=${closing.slice('/v1/sessions/'.length)}`)).text();
    expect(
      log
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { record: { event: string } }).record.event),
    ).toEqual(['opened', 'closed']);
  });
});
