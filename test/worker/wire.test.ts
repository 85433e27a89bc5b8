import { createServer, Socket, type AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidRequest } from '../../src/domain/errors.ts';
import { FRAME, frameHeader, FrameReader, PAYLOAD_MAX_BYTES, type Frame, type FrameKind } from '../../src/worker/frames.ts';
import { IncomingBody, SendWindow, Wire } from '../../src/worker/wire.ts';

const frames = fc.array(
  fc.record({ kind: fc.constantFrom<FrameKind>(...Object.values(FRAME)), id: fc.nat(0xffffffff), payload: fc.uint8Array({ maxLength: 300 }) }),
  { maxLength: 12 },
);

/** A body's bytes count, not where they were cut. */
function bodiesTogether(all: readonly Frame[]): { kind: number; id: number; payload: number[] }[] {
  const together: { kind: number; id: number; payload: number[] }[] = [];
  for (const { kind, id, payload } of all) {
    const last = together.at(-1);
    if (kind === FRAME.body && last?.kind === FRAME.body && last.id === id) last.payload.push(...payload);
    else together.push({ kind, id, payload: [...payload] });
  }
  return together;
}

describe('frames', () => {
  it('come out as they went in, however the pipe splits them', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 40 }), (sent, cuts) => {
        const bytes = Buffer.concat(sent.flatMap(({ kind, id, payload }) => [frameHeader(kind, id, payload.byteLength), payload]));
        const reader = new FrameReader();
        const got: Frame[] = [];
        for (let start = 0, turn = 0; start < bytes.byteLength; turn++) {
          const cut = cuts[turn % cuts.length]!;
          got.push(...reader.push(bytes.subarray(start, start + cut)));
          start += cut;
        }
        expect(bodiesTogether(got)).toEqual(bodiesTogether(sent));
      }),
    );
  });

  it('refuses a payload beyond its bound before it gathers any of it', () => {
    expect(() => [...new FrameReader().push(frameHeader(FRAME.body, 1, PAYLOAD_MAX_BYTES + 1))]).toThrow('announced');
  });
});

/** Two wires over a real socket. */
async function pair(onLeft: (frame: Frame) => void, onRight: (frame: Frame) => void): Promise<{ left: Wire; right: Wire; end: () => void }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const socket = new Socket();
  socket.connect((server.address() as AddressInfo).port, '127.0.0.1');
  const left = new Wire(await accepted, onLeft, () => undefined);
  const right = new Wire(socket, onRight, () => undefined);
  return {
    left,
    right,
    end: () => {
      left.destroy();
      right.destroy();
      server.close();
    },
  };
}

describe('a frame', () => {
  it('is on its way before the turn goes on, and one with a body shares a write with it', async () => {
    const writes: number[] = [];
    const pipe = new Duplex({ read: () => undefined, writev: (pieces, done) => (writes.push(pieces.length), done()) });
    const wire = new Wire(
      pipe,
      () => undefined,
      () => undefined,
    );
    wire.sendJson(FRAME.call, 1, { call: 'seal', slot: 1 });
    expect(writes).toEqual([2]);
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('rows');
    };
    wire.sendHead(FRAME.call, 2, { call: 'insert', slot: 1 });
    await wire.sendBody(2, body(), new SendWindow(1_000));
    await new Promise(setImmediate);
    expect(writes).toEqual([2, 5]);
  });
});

describe('a body on the wire', () => {
  it('stops its writer when nobody reads, and goes on with the reader', async () => {
    const windowBytes = 200_000;
    const window = new SendWindow(windowBytes);
    let credit: (bytes: number) => void = () => undefined;
    const body = new IncomingBody(
      (bytes) => credit(bytes),
      () => undefined,
      windowBytes,
    );
    let arrived = 0;
    const { left, right, end } = await pair(
      ({ payload }) => window.credit(Buffer.from(payload).readUInt32LE(0)),
      ({ kind, payload }) => {
        arrived += payload.byteLength;
        if (kind === FRAME.body) body.push(payload);
        else body.end();
      },
    );
    credit = (bytes) => right.sendCredit(1, bytes);
    let produced = 0;
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for (; produced < 10_000_000; produced += 50_000) yield new Uint8Array(50_000);
    };
    const sent = left.sendBody(1, source(), window);
    await expect.poll(() => arrived).toBeGreaterThanOrEqual(windowBytes);
    const stoodAt = produced;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(produced).toBe(stoodAt);
    expect(produced).toBeLessThan(windowBytes + 200_000);
    let read = 0;
    for await (const piece of body) read += piece.byteLength;
    expect(read).toBe(10_000_000);
    await sent;
    end();
  });

  it('is told as failed, never as ended, when its source fails (I8)', async () => {
    const seen: Frame[] = [];
    const { left, end } = await pair(
      () => undefined,
      (frame) => seen.push(frame),
    );
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(1, 2);
      throw new InvalidRequest('broken', { field: 'body' });
    };
    await left.sendBody(9, source(), new SendWindow(100));
    await expect.poll(() => seen.length).toBe(2);
    expect(seen.map(({ kind }) => kind)).toEqual([FRAME.body, FRAME.bodyFailure]);
    expect(JSON.parse(Buffer.from(seen[1]!.payload).toString())).toEqual({ code: 'invalid_request', detail: 'broken', fields: { field: 'body' } });
    end();
  });

  it('throws away what it holds when it failed, and tells its sender when the reader leaves', async () => {
    let left = 0;
    const failed = new IncomingBody(
      () => undefined,
      () => left++,
      100,
    );
    failed.push(Uint8Array.of(1));
    failed.fail(new Error('cut'));
    await expect(failed[Symbol.asyncIterator]().next()).rejects.toThrow('cut');
    expect(left).toBe(0);
    const abandoned = new IncomingBody(
      () => undefined,
      () => left++,
      100,
    );
    abandoned.push(Uint8Array.of(1));
    for await (const piece of abandoned) {
      expect(piece).toEqual(Uint8Array.of(1));
      break;
    }
    expect(left).toBe(1);
  });
});
