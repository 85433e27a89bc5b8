import * as zlib from 'node:zlib';
import { ZSTDDecoder } from 'zstddec';
import { broken } from './arrow-flatbuffer.ts';

/** What Node 20 does not have. */
interface NodeZstd {
  readonly zstdDecompressSync?: (frame: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;
}

const { zstdDecompressSync } = zlib as NodeZstd;
const decoder = new ZSTDDecoder();

/** To be awaited before a frame is read. */
export async function prepareZstd(): Promise<void> {
  if (zstdDecompressSync === undefined) await decoder.init();
}

/**
 * A zstd frame as what it holds.
 * @param bytes what it has to come to, which bounds what is allocated for it
 * @throws InvalidArrow when the frame is broken, cut off, or of another size
 */
export function readZstdFrame(frame: Uint8Array, bytes: number): Uint8Array {
  const output = decompress(frame, bytes);
  if (output.length !== bytes) throw broken(`a zstd frame of another size than the ${bytes} bytes that were announced`);
  return output;
}

function decompress(frame: Uint8Array, bytes: number): Uint8Array {
  if (zstdDecompressSync === undefined) return decoder.decode(frame, bytes);
  try {
    return zstdDecompressSync(frame, { maxOutputLength: bytes });
  } catch (error) {
    throw broken('a compressed buffer that is no whole zstd frame', { cause: error });
  }
}
