import { type RecordBatch, RecordBatchReader, type RecordBatchStreamReader, type Schema } from 'apache-arrow';
import { InvalidArrow } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';
import { type Frame, framesOf } from './arrow-frames.ts';

const SCHEMA_HEADER = 1;
const RECORD_BATCH_HEADER = 3;
/** Reads apache-arrow may make past the frames it was given: it looks once ahead. More means a message lies about its size. */
const EMPTY_READS_MAX = 4;

/** An Arrow stream being read: its schema at once, its batches as they come. */
export interface ArrowAnswer {
  readonly schema: Schema;
  readonly batches: AsyncGenerator<RecordBatch, void, undefined>;
}

/** @throws InvalidArrow when the stream is cut or broken, also later, between batches (I8) */
export async function readArrow(body: ByteStream): Promise<ArrowAnswer> {
  const frames = framesOf(body);
  try {
    const first = await frames.next();
    if (first.done === true || first.value.header !== SCHEMA_HEADER)
      throw new InvalidArrow('The answer is not an Arrow stream: it does not begin with a schema');
    const feed = new FrameFeed();
    feed.push(first.value);
    const reader = RecordBatchReader.from(feed) as RecordBatchStreamReader;
    reader.open({ autoDestroy: false });
    return { schema: reader.schema, batches: batchesOf(frames, feed, reader) };
  } catch (error) {
    await frames.return();
    throw error;
  }
}

async function* batchesOf(frames: AsyncGenerator<Frame, void, undefined>, feed: FrameFeed, reader: RecordBatchStreamReader) {
  for await (const frame of frames) {
    feed.push(frame);
    // Dictionaries wait for the batch that uses them: the reader reads on until it has a batch.
    if (frame.header !== RECORD_BATCH_HEADER) continue;
    const next = reader.next();
    if (next.done === true) throw new InvalidArrow('The answer is not an Arrow stream: a batch cannot be read');
    yield next.value;
  }
}

/** Hands whole messages to apache-arrow's synchronous reader, which then never waits and never meets half of one. */
class FrameFeed implements Iterable<Uint8Array> {
  readonly #waiting: Uint8Array[] = [];
  #emptyReads = 0;

  push(frame: Frame): void {
    this.#waiting.push(frame.bytes);
    this.#emptyReads = 0;
  }

  *[Symbol.iterator](): Generator<Uint8Array, void, undefined> {
    for (;;) {
      const bytes = this.#waiting.shift();
      if (bytes === undefined && ++this.#emptyReads > EMPTY_READS_MAX) {
        throw new InvalidArrow('The answer is not an Arrow stream: a message is shorter than it says');
      }
      yield bytes ?? new Uint8Array(0);
    }
  }
}
