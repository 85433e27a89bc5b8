import { Field, Schema } from 'apache-arrow';
import { BufferRegion, FieldNode, Message, RecordBatch } from 'apache-arrow/ipc/metadata/message';
import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { BatchParts } from './arrow-batch-parts.ts';
import { RawEncoder, type BatchEncoder } from './arrow-result-columns.ts';
import { arrowResultType } from './arrow-result-types.ts';
import { RowWindows } from './row-windows.ts';
import type { TypedColumn } from './type-map.ts';

const BATCH_ROWS_MAX = 65_536;
const BATCH_TARGET_BYTES = 1_048_576;
const ALIGNMENT_BYTES = 8;
const PREFIX_BYTES = 8;
const CONTINUATION = 0xff_ff_ff_ff;
const END_OF_STREAM = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);

export type OpenEncoder = (columns: readonly TypedColumn[]) => BatchEncoder;

/**
 * The chunks as an Arrow IPC stream: schema, record batches of about 1 MiB, and, only after `chunks` ended well, the
 * end-of-stream marker (I8). Column names are kept as they are, duplicates included. A chunk is read before the next is
 * asked for.
 * @throws UnsupportedType, ValueOutOfRange (`field`), and whatever `chunks` throws
 */
export async function* encodeArrow(
  columns: readonly TypedColumn[],
  chunks: AsyncIterable<DuckDBDataChunk>,
  openEncoder: OpenEncoder = (typed) => new RawEncoder(typed),
): AsyncGenerator<Uint8Array, void, void> {
  const schema = new Schema(columns.map(({ name, type }) => new Field(name, arrowResultType(type, name), true)));
  const encoder = openEncoder(columns);
  yield frame(Message.encode(Message.from(schema)), []);
  const windows = new RowWindows();
  let rows = 0;
  let bytes = 0;
  for await (const chunk of chunks) {
    const append = (start: number, end: number): number => {
      const before = bytes;
      bytes = encoder.append(chunk, start, end);
      rows += end - start;
      return bytes - before;
    };
    for (const _ of windows.cut(chunk.rowCount, append)) {
      if (rows < BATCH_ROWS_MAX && bytes < BATCH_TARGET_BYTES) continue;
      yield batch(encoder.take(), rows);
      rows = bytes = 0;
    }
  }
  if (rows > 0) yield batch(encoder.take(), rows);
  yield END_OF_STREAM.slice();
}

function batch(parts: BatchParts, rows: number): Uint8Array {
  let bodyBytes = 0;
  const regions = parts.buffers.map(({ length }) => {
    const region = new BufferRegion(bodyBytes, length);
    bodyBytes += padded(length);
    return region;
  });
  const nodes = parts.nodes.map(({ length, nullCount }) => new FieldNode(length, nullCount));
  return frame(Message.encode(Message.from(new RecordBatch(rows, nodes, regions, null), bodyBytes)), parts.buffers);
}

/** One encapsulated message. Copies the buffers, whose memory the builders use again. */
function frame(metadata: Uint8Array, buffers: readonly Uint8Array[]): Uint8Array {
  const metadataBytes = padded(metadata.length);
  const bytes = new Uint8Array(PREFIX_BYTES + metadataBytes + buffers.reduce((sum, { length }) => sum + padded(length), 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, CONTINUATION, true);
  view.setUint32(4, metadataBytes, true);
  bytes.set(metadata, PREFIX_BYTES);
  let at = PREFIX_BYTES + metadataBytes;
  for (const buffer of buffers) {
    bytes.set(buffer, at);
    at += padded(buffer.length);
  }
  return bytes;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}
