import { InvalidArrow } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';

/** Bytes before a message's metadata: the continuation marker and the metadata's length. */
const PREFIX_BYTES = 8;
const CONTINUATION = 0xffffffff;
/** Metadata of one message; more is a broken stream. */
const METADATA_MAX_BYTES = 64 * 1024 * 1024;

/** One whole IPC message, 8-byte aligned. */
export interface Frame {
  readonly bytes: Uint8Array;
  /** Schema 1, dictionary batch 2, record batch 3. */
  readonly header: number;
}

/**
 * Cuts an Arrow IPC stream into whole messages. A stream that ends anywhere but after its end-of-stream marker throws:
 * apache-arrow's own reader takes a cut between two batches for the end (I8).
 */
export async function* framesOf(body: ByteStream): AsyncGenerator<Frame, void, undefined> {
  const source = body[Symbol.asyncIterator]();
  const pending = new PendingBytes();
  const fill = async (bytes: number): Promise<void> => {
    while (pending.bytes < bytes) {
      const next = await source.next();
      if (next.done === true) throw new InvalidArrow('The answer was cut off: its Arrow stream has no end-of-stream marker');
      pending.push(next.value);
    }
  };
  try {
    for (;;) {
      await fill(PREFIX_BYTES);
      const prefix = viewOf(pending.peek(PREFIX_BYTES));
      const metadataBytes = prefix.getInt32(4, true);
      if (prefix.getUint32(0, true) !== CONTINUATION || metadataBytes < 0 || metadataBytes > METADATA_MAX_BYTES) {
        throw new InvalidArrow('The answer is not an Arrow stream');
      }
      if (metadataBytes === 0) break;
      await fill(PREFIX_BYTES + metadataBytes);
      const { header, bodyBytes } = messageOf(pending.peek(PREFIX_BYTES + metadataBytes).subarray(PREFIX_BYTES));
      const bytes = PREFIX_BYTES + metadataBytes + bodyBytes;
      await fill(bytes);
      yield { bytes: pending.take(bytes), header };
    }
    // The transport's own end is awaited: it too must be whole.
    while ((await source.next()).done !== true);
  } finally {
    await source.return?.();
  }
}

/** Reads the two fields of the flatbuffer `Message` that framing needs. */
function messageOf(metadata: Uint8Array): { header: number; bodyBytes: number } {
  try {
    const view = viewOf(metadata);
    const table = view.getInt32(0, true);
    const vtable = table - view.getInt32(table, true);
    const slots = view.getUint16(vtable, true);
    const field = (index: number): number => (4 + 2 * index < slots ? view.getUint16(vtable + 4 + 2 * index, true) : 0);
    const [type, body] = [field(1), field(3)];
    const bodyBytes = body === 0 ? 0 : Number(view.getBigInt64(table + body, true));
    if (!Number.isSafeInteger(bodyBytes) || bodyBytes < 0) throw new RangeError('the body has no sensible length');
    return { header: type === 0 ? 0 : view.getUint8(table + type), bodyBytes };
  } catch (cause) {
    throw new InvalidArrow('The answer is not an Arrow stream: a message cannot be read', {}, { cause });
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Chunks that have come and were not taken yet: never more than one message and one chunk. */
class PendingBytes {
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  push(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
  }

  peek(bytes: number): Uint8Array {
    const [first] = this.#chunks;
    if (first !== undefined && first.byteLength >= bytes) return first.subarray(0, bytes);
    return this.#copy(bytes);
  }

  take(bytes: number): Uint8Array {
    const [first] = this.#chunks;
    // Alignment lets apache-arrow lay typed arrays over the bytes.
    const whole = first !== undefined && first.byteLength >= bytes && first.byteOffset % 8 === 0 ? first.subarray(0, bytes) : this.#copy(bytes);
    let left = bytes;
    let gone = 0;
    for (const chunk of this.#chunks) {
      if (chunk.byteLength > left) break;
      left -= chunk.byteLength;
      gone += 1;
    }
    this.#chunks.splice(0, gone);
    const rest = this.#chunks[0];
    if (left > 0 && rest !== undefined) this.#chunks[0] = rest.subarray(left);
    this.#bytes -= bytes;
    return whole;
  }

  #copy(bytes: number): Uint8Array {
    const whole = new Uint8Array(bytes);
    let at = 0;
    for (const chunk of this.#chunks) {
      const part = chunk.subarray(0, bytes - at);
      whole.set(part, at);
      at += part.byteLength;
      if (at === bytes) break;
    }
    return whole;
  }
}
