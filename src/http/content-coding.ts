import { pipeline, Readable, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { InvalidRequest, MayflyError, PayloadTooLarge } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';

export type ContentCoding = 'zstd' | 'gzip' | 'br';

type Codec = Transform & { readonly bytesWritten: number };
type Codecs = Partial<Readonly<Record<ContentCoding, () => Codec>>>;

/** What Node 20 does not have. */
interface Zstd {
  readonly createZstdCompress?: () => Codec;
  readonly createZstdDecompress?: (options: { readonly params: Readonly<Record<number, number>> }) => Codec;
  readonly zstdCompressSync?: (bytes: Uint8Array) => Uint8Array;
  readonly zstdDecompressSync?: (bytes: Uint8Array) => Uint8Array;
}

const zstd = zlib as Zstd;
/** 8 MiB, the most that RFC 9659 lets a sender ask for; Brotli's own limit is 16 MiB, gzip's 32 KiB. */
const ZSTD_WINDOW_LOG_MAX = 23;
const ZSTD_D_WINDOW_LOG_MAX = 100;
const GZIP_LEVEL = 3;
const BROTLI_QUALITY = 3;
const BROTLI_WINDOW_LOG = 18;

/** What bodies may be coded with. Each decoder holds a window of bounded size, whatever a body expands to. */
const DECODERS: Codecs = {
  ...(tellsCutZstd() ? { zstd: () => zstd.createZstdDecompress!({ params: { [ZSTD_D_WINDOW_LOG_MAX]: ZSTD_WINDOW_LOG_MAX } }) } : {}),
  gzip: () => zlib.createGunzip(),
  br: () => zlib.createBrotliDecompress(),
};

/** What answers may be coded with, at levels that keep up with the rows. */
const ENCODERS: Codecs = {
  ...(zstd.createZstdCompress === undefined ? {} : { zstd: () => zstd.createZstdCompress!() }),
  gzip: () => zlib.createGzip({ level: GZIP_LEVEL }),
  br: () =>
    zlib.createBrotliCompress({
      params: { [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY, [zlib.constants.BROTLI_PARAM_LGWIN]: BROTLI_WINDOW_LOG },
    }),
};

/** The fastest first. */
export const BODY_CODINGS = Object.keys(DECODERS) as readonly ContentCoding[];
export const ANSWER_CODINGS = Object.keys(ENCODERS) as readonly ContentCoding[];

/** Some releases of Node take a frame that is cut off for a whole one, and a body that is cut must insert nothing (I8). */
function tellsCutZstd(): boolean {
  if (zstd.zstdCompressSync === undefined || zstd.zstdDecompressSync === undefined) return false;
  try {
    zstd.zstdDecompressSync(zstd.zstdCompressSync(Buffer.from('whole')).subarray(0, -1));
    return false;
  } catch {
    return true;
  }
}

/**
 * A body as it was before it was coded, with backpressure.
 * @param maxBytes what may come out of it
 * @throws PayloadTooLarge (`limit`); InvalidRequest when it is cut off, broken, or goes on behind its end
 */
export async function* decoded(body: ByteStream, coding: ContentCoding, maxBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = DECODERS[coding]!();
  let codedBytes = 0;
  let bytes = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of body) {
      codedBytes += piece.byteLength;
      yield piece;
    }
  };
  try {
    for await (const piece of through(counted(), decoder)) {
      bytes += piece.byteLength;
      if (bytes > maxBytes) throw new PayloadTooLarge(`The body is larger than ${maxBytes} bytes once it is decoded`, { limit: maxBytes });
      yield piece;
    }
  } catch (error) {
    if (error instanceof MayflyError) throw error;
    throw new InvalidRequest(`The body is not whole and valid ${coding}`, { field: 'body' }, { cause: error });
  }
  if (decoder.bytesWritten !== codedBytes) throw new InvalidRequest(`The body goes on behind the end of its ${coding}`, { field: 'body' });
}

/** An answer as it is sent. One that fails is broken off in the middle of the coding, and its connection cut (I8). */
export function encoded(answer: ByteStream, coding: ContentCoding): AsyncGenerator<Uint8Array, void, undefined> {
  return through(answer, ENCODERS[coding]!());
}

async function* through(source: ByteStream, codec: Codec): AsyncGenerator<Uint8Array, void, undefined> {
  const piped = new Promise<void>((resolve, reject) => {
    pipeline(Readable.from(source, { objectMode: false }), codec, (error) => (error === undefined || error === null ? resolve() : reject(error)));
  });
  // What it rejects with comes out of the codec as well, but for what it leaves unread.
  piped.catch(() => undefined);
  try {
    for await (const piece of codec) yield piece as Uint8Array;
    await piped;
  } finally {
    codec.destroy();
  }
}
