import { PayloadTooLarge, InvalidArrow } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';
import { broken, decoding, exact, FlatTable } from './arrow-flatbuffer.ts';

const CONTINUATION = 0xff_ff_ff_ff;
/** `ARRO`, how the magic of the file format begins. */
const FILE_MAGIC = 0x4f_52_52_41;
const METADATA_VERSION_4 = 3;
const METADATA_VERSION_5 = 4;

export const HEADER = { schema: 1, dictionaryBatch: 2, recordBatch: 3 } as const;

export interface ArrowMessage {
  readonly headerType: number;
  readonly header: FlatTable;
  /** Not to be changed, and a record batch's is overwritten by the next one; of any alignment. */
  readonly body: Uint8Array;
}

/**
 * The encapsulated messages of an IPC stream, one in memory at a time. Ends only after the end-of-stream marker with
 * nothing behind it; a stream cut anywhere else throws (I8).
 * @throws InvalidArrow; PayloadTooLarge (`limit`) for a message above `messageMaxBytes`
 */
export async function* readMessages(stream: ByteStream, messageMaxBytes: number): AsyncGenerator<ArrowMessage, void, void> {
  const source = new ExactReader(stream);
  try {
    let legacy: boolean | undefined;
    for (;;) {
      const word = littleEndian(await source.read(4));
      legacy ??= word !== CONTINUATION; // framing before Arrow 0.15 has no continuation word
      if (word === FILE_MAGIC) throw broken("Arrow's file format; send its stream format");
      if (!legacy && word !== CONTINUATION) throw broken('a message that does not begin as one');
      const metadataBytes = legacy ? word : littleEndian(await source.read(4));
      if (metadataBytes === 0) break;
      // What claims that much before any rows is not Arrow, whatever it is: a text, a picture.
      if (metadataBytes > messageMaxBytes) throw broken(`a message whose metadata claims ${metadataBytes} bytes`);
      const metadata = await source.read(metadataBytes);
      const { headerType, header, bodyBytes } = decoding(() => readMessage(metadata));
      within(metadataBytes + bodyBytes, messageMaxBytes);
      const body = headerType === HEADER.recordBatch ? await source.readOver(bodyBytes) : await source.read(bodyBytes);
      yield { headerType, header, body };
    }
    if (!(await source.atEnd())) throw broken('bytes behind its end-of-stream marker');
  } finally {
    await source.close();
  }
}

function readMessage(metadata: Uint8Array): { headerType: number; header: FlatTable; bodyBytes: number } {
  const message = FlatTable.root(metadata);
  const version = message.int16(0);
  if (version !== METADATA_VERSION_4 && version !== METADATA_VERSION_5) throw broken(`metadata version ${version + 1}; versions 4 and 5 are read`);
  const header = message.table(2);
  if (header === undefined) throw broken('a message without a header');
  return { headerType: message.int8(1), header, bodyBytes: exact(message.int64(3)) };
}

function within(bytes: number, messageMaxBytes: number): void {
  if (bytes <= messageMaxBytes) return;
  throw new PayloadTooLarge(`One Arrow message claims ${bytes} bytes and at most ${messageMaxBytes} are allowed: write smaller record batches`, {
    limit: messageMaxBytes,
  });
}

function littleEndian(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
}

/** Hands out exactly the bytes asked for. */
class ExactReader {
  private readonly iterator: AsyncIterator<Uint8Array>;
  private rest: Uint8Array = new Uint8Array(0);
  private ended = false;
  private reused = new Uint8Array(0);

  constructor(stream: ByteStream) {
    this.iterator = stream[Symbol.asyncIterator]();
  }

  async read(length: number): Promise<Uint8Array> {
    return this.readInto(new Uint8Array(length));
  }

  /**
   * What came in one piece stays where it lies. The rest goes into memory that the next such call uses again: garbage of
   * the size of messages would add up.
   */
  async readOver(length: number): Promise<Uint8Array> {
    if (this.rest.length === 0) await this.pull();
    if (this.rest.length >= length) return this.take(length);
    if (this.reused.length < length) this.reused = new Uint8Array(length);
    return this.readInto(this.reused.subarray(0, length));
  }

  private async readInto(bytes: Uint8Array): Promise<Uint8Array> {
    const { length } = bytes;
    let filled = 0;
    while (filled < length) {
      if (this.rest.length === 0 && !(await this.pull())) {
        throw new InvalidArrow('The Arrow stream is cut off: it ends without its end-of-stream marker. Send the whole stream again.');
      }
      const part = this.take(length - filled);
      bytes.set(part, filled);
      filled += part.length;
    }
    return bytes;
  }

  /** So many bytes of the piece at hand, or fewer where it has no more. */
  private take(length: number): Uint8Array {
    const part = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(part.length);
    return part;
  }

  async atEnd(): Promise<boolean> {
    return this.rest.length === 0 && !(await this.pull());
  }

  async close(): Promise<void> {
    if (!this.ended) await this.iterator.return?.();
  }

  private async pull(): Promise<boolean> {
    while (!this.ended) {
      const next = await this.iterator.next();
      if (next.done === true) this.ended = true;
      else if (next.value.length > 0) {
        this.rest = next.value;
        return true;
      }
    }
    return false;
  }
}
