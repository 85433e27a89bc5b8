import { InvalidRows } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';
import { jsonValue } from './json-values.ts';

/** Text gathered before it is sent, in UTF-16 units. */
const CHUNK_UNITS = 64 * 1024;

/** Row objects as lines of JSON, read as they are sent. A source that throws breaks the body off, so it inserts nothing (I8). */
export async function* ndjsonStream(rows: Iterable<object> | AsyncIterable<object>): ByteStream {
  const encoder = new TextEncoder();
  let text = '';
  let line = 0;
  for await (const row of rows) {
    line += 1;
    text += `${rowText(row, line)}\n`;
    if (text.length >= CHUNK_UNITS) {
      yield encoder.encode(text);
      text = '';
    }
  }
  yield encoder.encode(text);
}

function rowText(row: unknown, line: number): string {
  if (typeof row !== 'object' || row === null || Array.isArray(row) || ArrayBuffer.isView(row)) {
    throw new InvalidRows(`Row ${line} is not an object: give rows as { column: value }, or Arrow data`, { line });
  }
  try {
    return JSON.stringify(jsonValue(row, 'text'));
  } catch (cause) {
    throw new InvalidRows(`Row ${line} cannot be sent: ${cause instanceof Error ? cause.message : String(cause)}`, { line }, { cause });
  }
}
