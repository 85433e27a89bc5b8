import { PayloadTooLarge } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';

/** A body that ends within this is sent whole: it has a length, and a keyed call may send it again. */
const SMALL_BODY_MAX_BYTES = 64 * 1024;

export type HttpBody = Uint8Array | ByteStream;

/** The body whole when it is small, else as a stream of the same bytes; either is read once. */
export async function settleBody(body: ByteStream): Promise<HttpBody> {
  const source = body[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let bytes = 0;
  while (bytes <= SMALL_BODY_MAX_BYTES) {
    const next = await source.next();
    if (next.done === true) return joinBytes(head, bytes);
    head.push(next.value);
    bytes += next.value.byteLength;
  }
  return resumed(head, source);
}

async function* resumed(head: readonly Uint8Array[], source: AsyncIterator<Uint8Array>): ByteStream {
  try {
    yield* head;
    for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
  } finally {
    await source.return?.();
  }
}

function joinBytes(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

/** For `fetch`: read one chunk ahead at most, so that the network's pace reaches the source. */
export function readableOf(body: ByteStream): ReadableStream<Uint8Array> {
  const source = body[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await source.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      async cancel() {
        await source.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * For a browser that cannot stream a request: the whole body in memory, bounded.
 * @throws PayloadTooLarge above `maxBytes`
 */
export async function gatherBody(body: ByteStream, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes)
      throw new PayloadTooLarge(`This runtime cannot stream a request, and gathers at most ${maxBytes} bytes: insert in smaller parts`, { max: maxBytes });
    chunks.push(chunk);
  }
  return joinBytes(chunks, bytes);
}

/** The lines of a newline-delimited body; a last line without its newline is cut, and is not given out. */
export async function* linesOf(body: ByteStream): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield line;
  }
}
