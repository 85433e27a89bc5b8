import type { RecordBatch, Table } from 'apache-arrow';
import { InvalidRows } from '../domain/errors.ts';
import type { ByteStream, RowFormat } from '../domain/gateway.ts';
import { type BatchLike, isBatch, isTable } from './arrow-adopt.ts';
import { batchStream } from './arrow-encode.ts';
import { ndjsonStream } from './ndjson-encode.ts';

/** Arrow data or rows: a Table, a RecordBatch, a row object, or a (possibly async) iterable of one of these kinds. */
export type InsertData = Table | RecordBatch | object | Iterable<object> | AsyncIterable<object>;

export interface InsertBody {
  readonly format: RowFormat;
  readonly body: ByteStream;
  /** What the caller's source threw, if it did: their own error tells more than that of a broken stream. */
  readonly failure: () => unknown;
  /** Lets go of a source that was not read to its end. */
  readonly dispose: () => void;
}

/** Looks at the first item alone to tell batches from rows; the rest is read as it is sent. */
export async function insertBody(data: InsertData): Promise<InsertBody> {
  if (isTable(data)) return plain('arrow', batchStream(data.schema, data.batches));
  if (isBatch(data)) return plain('arrow', batchStream(data.schema, [data]));
  if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data)) {
    throw new InvalidRows('Give an Arrow Table or RecordBatch, row objects, or an iterable of batches or of row objects');
  }
  const source = iteratorOf(data);
  return source === undefined ? plain('ndjson', ndjsonStream([data])) : streamed(source);
}

function plain(format: RowFormat, body: ByteStream): InsertBody {
  return { format, body, failure: () => undefined, dispose: () => undefined };
}

type Source = Iterator<object> | AsyncIterator<object>;

function iteratorOf(data: object): Source | undefined {
  if (Symbol.asyncIterator in data) return (data as AsyncIterable<object>)[Symbol.asyncIterator]();
  if (Symbol.iterator in data) return (data as Iterable<object>)[Symbol.iterator]();
  return undefined;
}

async function streamed(source: Source): Promise<InsertBody> {
  const first = await source.next();
  let ended = first.done === true;
  let failure: unknown;

  const dispose = (): void => {
    if (ended) return;
    ended = true;
    // Not awaited: a source that hangs in its own `next` must not keep the caller from the answer.
    letGo(source).catch(() => undefined);
  };

  async function* items(): AsyncGenerator<object, void, undefined> {
    try {
      for (let item = first; item.done !== true; item = await source.next()) yield item.value;
      ended = true;
    } catch (thrown) {
      ended = true;
      failure = thrown;
      throw thrown;
    } finally {
      dispose();
    }
  }

  const lead: unknown = first.value;
  const arrow = first.done !== true && (isBatch(lead) || isTable(lead));
  const body = arrow ? batchStream(lead.schema, batchesOf(items())) : ndjsonStream(items());
  return { format: arrow ? 'arrow' : 'ndjson', body, failure: () => failure, dispose };
}

async function letGo(source: Source): Promise<void> {
  await source.return?.();
}

async function* batchesOf(items: AsyncIterable<object>): AsyncGenerator<BatchLike, void, undefined> {
  for await (const item of items) {
    if (isBatch(item)) yield item;
    else if (isTable(item)) yield* item.batches;
    else throw new InvalidRows('An iterable holds Arrow batches or row objects, not both');
  }
}
