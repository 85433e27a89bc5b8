import { type RecordBatch, RecordBatchStreamWriter, type Schema } from 'apache-arrow';
import type { ByteStream } from '../domain/gateway.ts';
import { adoptBatch, adoptSchema, type AnyBatch } from './arrow-adopt.ts';

/** Small pieces are joined up to this many bytes before they are sent. */
const CHUNK_BYTES = 64 * 1024;

/** A stream writer whose bytes are taken after every batch, so that what is not sent yet is one batch at most. */
class PacedWriter extends RecordBatchStreamWriter {
  readonly #pieces: Uint8Array[] = [];
  readonly #schema: Schema;

  constructor(schema: Schema) {
    super({ autoDestroy: false });
    this.#schema = schema;
    this.reset(undefined, schema);
  }

  protected override _write(chunk: ArrayBufferView): this {
    if (chunk.byteLength > 0) this.#pieces.push(new Uint8Array(chunk.buffer as ArrayBuffer, chunk.byteOffset, chunk.byteLength));
    return this;
  }

  add(batch: RecordBatch): void {
    // oxlint-disable-next-line no-underscore-dangle -- its public `write` quietly ends the stream when a schema object differs
    this._writeRecordBatch(batch);
  }

  end(): void {
    // oxlint-disable-next-line no-underscore-dangle -- its public `finish` would begin the next stream as well
    this._writeFooter(this.#schema);
  }

  *take(): Generator<Uint8Array, void, undefined> {
    let small: Uint8Array[] = [];
    let bytes = 0;
    for (const piece of this.#pieces.splice(0)) {
      if (bytes > 0 && bytes + piece.byteLength > CHUNK_BYTES) {
        yield joined(small, bytes);
        small = [];
        bytes = 0;
      }
      small.push(piece);
      bytes += piece.byteLength;
    }
    if (bytes > 0) yield joined(small, bytes);
  }
}

function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}

/** A stream of a schema and no batch: makes an empty table. */
export async function* schemaStream(schema: Schema): ByteStream {
  const writer = new PacedWriter(schema);
  writer.end();
  yield* writer.take();
}

/**
 * Batches as an Arrow IPC stream, one at a time and only as fast as it is read. The end-of-stream marker follows only a
 * source that ended well, so one that throws inserts nothing (I8).
 */
export async function* batchStream(schemaLike: object, batches: Iterable<AnyBatch> | AsyncIterable<AnyBatch>): ByteStream {
  const schema = adoptSchema(schemaLike);
  const writer = new PacedWriter(schema);
  for await (const batch of batches) {
    writer.add(adoptBatch(batch, schema));
    yield* writer.take();
  }
  writer.end();
  yield* writer.take();
}
