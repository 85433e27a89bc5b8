/**
 * The frames on the pipe between node and worker: payload length (u32), kind (u8), call id (u32), payload; little endian.
 * Control payloads are JSON, bodies are raw bytes.
 */

export const FRAME = {
  /** worker: takes calls now. */
  ready: 0,
  call: 1,
  result: 2,
  failure: 3,
  body: 4,
  /** The body is whole (I8). */
  bodyEnd: 5,
  /** The body ends here and is not whole: a `SerializedError`. */
  bodyFailure: 6,
  /** The reader took so many bytes (u32). */
  credit: 7,
  /** node: interrupt this call; worker: stop sending its body. */
  cancel: 8,
  note: 9,
  noteReply: 10,
  /** node: work is served within this window alone, a `ServingWindow` (I5). */
  window: 11,
} as const;

export type FrameKind = (typeof FRAME)[keyof typeof FRAME];

export interface Frame {
  readonly kind: number;
  readonly id: number;
  readonly payload: Uint8Array;
}

export const HEADER_BYTES = 9;
/** A body is cut into pieces of this size at most, so that no call keeps the pipe from another for long. */
export const PIECE_MAX_BYTES = 65_536;
/** Control frames hold SQL, parameters and descriptions; anything longer is a broken peer. */
export const PAYLOAD_MAX_BYTES = 64 * 1_048_576;

export function frameHeader(kind: FrameKind, id: number, payloadBytes: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32LE(payloadBytes, 0);
  header.writeUInt8(kind, 4);
  header.writeUInt32LE(id, 5);
  return header;
}

/**
 * Cuts what arrives into frames, however the pipe split it. Of a body's frame each part is handed out as it comes:
 * a body is bytes in order, and to put its frames together would copy it.
 */
export class FrameReader {
  #pieces: Buffer[] = [];
  #bytes = 0;
  #body: { readonly id: number; leftBytes: number } | undefined;

  /** @throws Error when the peer announces a payload above `PAYLOAD_MAX_BYTES` */
  *push(piece: Uint8Array): Generator<Frame, void, void> {
    this.#pieces.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
    this.#bytes += piece.byteLength;
    while (this.#bytes > 0) {
      const frame = this.#body === undefined ? this.#next() : this.#part(this.#body);
      if (frame === undefined) return;
      yield frame;
    }
  }

  /** The next frame, or what is here of a body's; undefined until enough came. */
  #next(): Frame | undefined {
    if (this.#bytes < HEADER_BYTES) return undefined;
    const header = this.#peek(HEADER_BYTES);
    const length = header.readUInt32LE(0);
    const kind = header.readUInt8(4);
    const id = header.readUInt32LE(5);
    if (length > PAYLOAD_MAX_BYTES) throw new Error(`a frame of ${length} bytes was announced on the worker pipe`);
    if (kind === FRAME.body && length > 0) {
      this.#take(HEADER_BYTES);
      this.#body = { id, leftBytes: length };
      return this.#bytes === 0 ? undefined : this.#part(this.#body);
    }
    if (this.#bytes < HEADER_BYTES + length) return undefined;
    return { kind, id, payload: this.#take(HEADER_BYTES + length).subarray(HEADER_BYTES) };
  }

  #part(body: { readonly id: number; leftBytes: number }): Frame {
    const payload = this.#take(Math.min(this.#pieces[0]!.byteLength, body.leftBytes));
    body.leftBytes -= payload.byteLength;
    if (body.leftBytes === 0) this.#body = undefined;
    return { kind: FRAME.body, id: body.id, payload };
  }

  #peek(count: number): Buffer {
    if (this.#pieces[0]!.byteLength < count) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0]!;
  }

  #take(count: number): Buffer {
    const first = this.#peek(count);
    if (first.byteLength === count) this.#pieces.shift();
    else this.#pieces[0] = first.subarray(count);
    this.#bytes -= count;
    return first.subarray(0, count);
  }
}
