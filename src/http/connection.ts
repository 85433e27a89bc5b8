import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ByteStream } from '../domain/gateway.ts';
import type { Answer, RouteContext } from './route.ts';
import type { KeptAnswer } from './idempotency.ts';
import { JSON_TYPE } from './route.ts';

/** Headers beside the answer's own, such as a session's owner. */
type Headers = Readonly<Record<string, string>>;

/** A small answer as its bytes. */
export function wholeAnswer(answer: Exclude<Answer, { stream: ByteStream }>): KeptAnswer {
  if ('text' in answer) return { status: answer.status, headers: answer.headers, body: Buffer.from(answer.text) };
  return { status: answer.status, headers: { 'content-type': JSON_TYPE, ...answer.headers }, body: Buffer.from(JSON.stringify(answer.json)) };
}

/** Turns answers into bytes on one connection. */
export class Connection {
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly context: RouteContext;

  constructor(request: IncomingMessage, response: ServerResponse, context: RouteContext) {
    this.request = request;
    this.response = response;
    this.context = context;
  }

  get gone(): boolean {
    return this.response.destroyed || this.response.closed;
  }

  /**
   * `bodyLeft`: the request's body was not read to its end. Then the answer is written, the rest is read within
   * bounds so that a sender that writes first and reads later sees it, and the connection is closed.
   */
  async sendWhole(answer: KeptAnswer, about: Headers, bodyLeft: boolean): Promise<void> {
    if (this.gone) return;
    const headers = { ...answer.headers, ...about, 'content-length': String(answer.body.byteLength), ...(bodyLeft ? { connection: 'close' } : {}) };
    this.response.writeHead(answer.status, headers);
    this.context.metrics.bytes('out', answer.body.byteLength);
    if (!bodyLeft) {
      this.response.end(answer.body);
      return;
    }
    this.response.write(answer.body);
    await this.linger();
    this.response.end();
  }

  private linger(): Promise<void> {
    const { clock, limits } = this.context;
    return new Promise((resolve) => {
      let leftBytes = limits.lingerMaxBytes;
      const timer = clock.setTimeout(() => done(), limits.lingerMs);
      const onData = (chunk: Buffer): void => {
        leftBytes -= chunk.byteLength;
        if (leftBytes < 0) done();
      };
      const done = (): void => {
        clock.clearTimeout(timer);
        this.request.off('data', onData).off('end', done).off('close', done);
        this.request.pause();
        resolve();
      };
      this.request.on('data', onData).once('end', done).once('close', done);
      this.request.resume();
    });
  }

  /**
   * Writes with backpressure. A failure before the first byte rejects, so that it still gets a status; a later one
   * cuts the connection without the last chunk (I8). `bodyLeft` as for `sendWhole`, asked once the answer is written.
   */
  async sendStream(answer: Extract<Answer, { stream: ByteStream }>, about: Headers, bodyLeft: () => boolean = () => false): Promise<void> {
    const chunks = answer.stream[Symbol.asyncIterator]();
    try {
      let next = answer.eager ? undefined : await chunks.next();
      if (this.gone) return;
      this.response.writeHead(answer.status, { ...answer.headers, ...about });
      if (this.request.method === 'HEAD') {
        this.response.end();
        return;
      }
      if (answer.eager) this.response.flushHeaders();
      try {
        next ??= await chunks.next();
        while (next.done !== true) {
          if (!(await this.write(next.value))) return;
          next = await chunks.next();
        }
      } catch (error) {
        if (!this.gone) this.context.log.warn({ err: error }, 'an answer failed after it began: its connection is cut');
        this.response.destroy();
        return;
      }
      if (bodyLeft()) await this.linger();
      this.response.end();
    } finally {
      // What is left of the work behind the answer is let go of; its own failure was told already.
      await chunks.return?.().catch(() => undefined);
    }
  }

  /** False when nobody reads any more. */
  private async write(chunk: Uint8Array): Promise<boolean> {
    if (this.gone) return false;
    this.context.metrics.bytes('out', chunk.byteLength);
    if (this.response.write(chunk)) return true;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.response.off('drain', done).off('close', done);
        resolve();
      };
      this.response.once('drain', done).once('close', done);
    });
    return !this.gone;
  }
}

/** Up to `maxBytes` of a stream: all of it, or what was read and a stream that gives it all again. */
export async function gather(stream: ByteStream, maxBytes: number): Promise<{ whole: Uint8Array } | { stream: ByteStream }> {
  const chunks = stream[Symbol.asyncIterator]();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const next = await chunks.next();
    if (next.done === true) return { whole: Buffer.concat(parts) };
    parts.push(next.value);
    size += next.value.byteLength;
    if (size > maxBytes) return { stream: resumed(parts, chunks) };
  }
}

async function* resumed(parts: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* parts;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
