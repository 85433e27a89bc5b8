import type { Duplex } from 'node:stream';
import { asMayflyError, type SerializedError } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';
import { FRAME, frameHeader, FrameReader, PIECE_MAX_BYTES, type Frame, type FrameKind } from './frames.ts';

const NOTHING = new Uint8Array(0);

/** One end of the pipe. A body is bounded by its own window; control frames are small and few, so they wait for nothing. */
export class Wire {
  readonly #pipe: Duplex;
  #drained: Promise<void> | undefined;

  constructor(pipe: Duplex, onFrame: (frame: Frame) => void, onEnd: () => void) {
    this.#pipe = pipe;
    const reader = new FrameReader();
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      onEnd();
    };
    pipe.on('data', (piece: Buffer) => {
      try {
        for (const frame of reader.push(piece)) onFrame(frame);
      } catch (error) {
        pipe.destroy(error instanceof Error ? error : undefined);
      }
    });
    pipe.on('end', end);
    pipe.on('close', end);
    // `close` follows every error.
    pipe.on('error', () => undefined);
  }

  /** At once: the other end begins while this one goes on with its turn. */
  send(kind: FrameKind, id: number, payload: Uint8Array = NOTHING): void {
    this.#put(kind, id, payload);
    this.#pipe.uncork();
  }

  sendJson(kind: FrameKind, id: number, value: unknown): void {
    this.send(kind, id, bytesOf(value));
  }

  /** In one write with its body, or as much of it as comes within this turn of the event loop. */
  sendHead(kind: FrameKind, id: number, value: unknown): void {
    this.#gather(kind, id, bytesOf(value));
  }

  sendCredit(id: number, bytes: number): void {
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt32LE(bytes);
    this.send(FRAME.credit, id, payload);
  }

  /** Sends a body within its window, then how it ended; a body that fails is told as a failure (I8). Never rejects. */
  async sendBody(id: number, body: ByteStream, window: SendWindow): Promise<void> {
    try {
      for await (const bytes of body) {
        for (let start = 0; start < bytes.byteLength; start += PIECE_MAX_BYTES) {
          const piece = bytes.subarray(start, start + PIECE_MAX_BYTES);
          await window.take(piece.byteLength);
          this.#gather(FRAME.body, id, piece);
          if (this.#pipe.writableNeedDrain) await this.#drain();
        }
      }
      window.check();
      this.#gather(FRAME.bodyEnd, id);
    } catch (error) {
      this.sendJson(FRAME.bodyFailure, id, asMayflyError(error).serialize() satisfies SerializedError);
    }
  }

  end(): void {
    this.#pipe.end();
  }

  destroy(): void {
    this.#pipe.destroy();
  }

  #gather(kind: FrameKind, id: number, payload: Uint8Array = NOTHING): void {
    this.#put(kind, id, payload);
    process.nextTick(() => this.#pipe.uncork());
  }

  #put(kind: FrameKind, id: number, payload: Uint8Array): void {
    if (!this.#pipe.writable) return;
    this.#pipe.cork();
    this.#pipe.write(frameHeader(kind, id, payload.byteLength));
    if (payload.byteLength > 0) this.#pipe.write(payload);
  }

  #drain(): Promise<void> {
    this.#drained ??= new Promise<void>((resolve) => {
      const done = (): void => {
        this.#pipe.off('drain', done);
        this.#pipe.off('close', done);
        this.#drained = undefined;
        resolve();
      };
      this.#pipe.on('drain', done);
      this.#pipe.on('close', done);
    });
    return this.#drained;
  }
}

function bytesOf(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** How many bytes of one body may still be sent before its reader took some. */
export class SendWindow {
  #free: number;
  #failure: (() => Error) | undefined;
  #wake: (() => void) | undefined;

  constructor(windowBytes: number) {
    this.#free = windowBytes;
  }

  /** Waits until the window is open. One caller at a time; a piece may overdraw it by less than its own size. */
  async take(bytes: number): Promise<void> {
    this.check();
    while (this.#free <= 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.check();
    }
    this.#free -= bytes;
  }

  credit(bytes: number): void {
    this.#free += bytes;
    this.#wake?.();
  }

  /** The first reason counts; the error is made for who meets it, which is seldom anyone. */
  fail(reason: () => Error): void {
    this.#failure ??= reason;
    this.#wake?.();
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure();
  }
}

/** What was read is credited in parts of the window this small. */
const CREDITS_PER_WINDOW = 4;

/** A body as it arrives; what was read is credited to its sender. Bounded by the sender's window. */
export class IncomingBody implements ByteStream {
  readonly #credit: (bytes: number) => void;
  readonly #left: () => void;
  readonly #creditBytes: number;
  #owedBytes = 0;
  #pieces: Uint8Array[] = [];
  #end: { readonly error?: Error } | undefined;
  #wake: (() => void) | undefined;
  #taken = false;

  /** `left` is called when the reader leaves before the end. */
  constructor(credit: (bytes: number) => void, left: () => void, windowBytes: number) {
    this.#credit = credit;
    this.#left = left;
    this.#creditBytes = windowBytes / CREDITS_PER_WINDOW;
  }

  push(bytes: Uint8Array): void {
    if (this.#end !== undefined) return;
    this.#pieces.push(bytes);
    this.#wake?.();
  }

  end(): void {
    this.#end ??= {};
    this.#wake?.();
  }

  fail(error: Error): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    // A body that is not whole is worth nothing (I8).
    this.#pieces = [];
    this.#wake?.();
  }

  #owe(bytes: number): void {
    this.#owedBytes += bytes;
    // Nobody waits for the credit of a body that is all here.
    if (this.#owedBytes < this.#creditBytes || this.#end !== undefined) return;
    this.#credit(this.#owedBytes);
    this.#owedBytes = 0;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    if (this.#taken) throw new Error('a body can be read once');
    this.#taken = true;
    try {
      for (;;) {
        const piece = this.#pieces.shift();
        if (piece !== undefined) {
          yield piece;
          this.#owe(piece.byteLength);
        } else if (this.#end !== undefined) {
          if (this.#end.error !== undefined) throw this.#end.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.#pieces = [];
      if (this.#end === undefined) this.#left();
      this.#end ??= {};
    }
  }
}
