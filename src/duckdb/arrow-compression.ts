import { PayloadTooLarge } from '../domain/errors.ts';
import { broken, decoding, exact, type FlatTable } from './arrow-flatbuffer.ts';
import { readLz4Frame } from './lz4-frame.ts';
import { prepareZstd, readZstdFrame } from './zstd-frame.ts';

/** The slot of a record batch that tells how it is compressed. */
const COMPRESSION = 3;
const ZSTD = 1; // LZ4 is 0
const BY_BUFFER = 0;
const PREFIX_BYTES = 8;
/** What the buffers of one batch may hold together once they are decompressed. */
export const DECOMPRESSED_MAX_BYTES = 64 * 1_048_576;

/** To be awaited before a record batch, or a dictionary's, is read. @throws InvalidArrow */
export async function prepareDecompression(batch: FlatTable | undefined): Promise<void> {
  if (decoding(() => batch?.table(COMPRESSION)?.int8(0)) === ZSTD) await prepareZstd();
}

/** Reads the buffers of one batch that are compressed, each by itself. */
export class BufferDecompressor {
  readonly #codec: number;
  #leftBytes = DECOMPRESSED_MAX_BYTES;

  /** Undefined for a batch that is not compressed. @throws InvalidArrow for a codec that Arrow does not have */
  static of(batch: FlatTable): BufferDecompressor | undefined {
    const compression = batch.table(COMPRESSION);
    return compression && new BufferDecompressor(compression);
  }

  private constructor(compression: FlatTable) {
    this.#codec = compression.int8(0);
    if (this.#codec > ZSTD || compression.int8(1) !== BY_BUFFER) throw broken('buffers compressed by neither LZ4 nor zstd');
  }

  /** @throws InvalidArrow, PayloadTooLarge (`limit`) before too much is allocated */
  read(buffer: Uint8Array): Uint8Array {
    if (buffer.length === 0) return buffer;
    const announced = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength).getBigInt64(0, true);
    const frame = buffer.subarray(PREFIX_BYTES);
    // A buffer that would not have shrunk.
    if (announced === -1n) return frame;
    const bytes = exact(announced);
    this.#leftBytes -= bytes;
    if (this.#leftBytes < 0) {
      throw new PayloadTooLarge(`A batch may hold ${DECOMPRESSED_MAX_BYTES} bytes: send smaller batches`, { limit: DECOMPRESSED_MAX_BYTES });
    }
    if (bytes === 0) return new Uint8Array();
    if (this.#codec === ZSTD) return readZstdFrame(frame, bytes);
    const output = new Uint8Array(bytes);
    readLz4Frame(frame, output);
    return output;
  }
}
