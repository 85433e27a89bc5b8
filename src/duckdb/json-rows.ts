import { isUtf8 } from 'node:buffer';
import { InvalidRows, PayloadTooLarge } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';
import { JsonRowDecoder } from './json-row.ts';
import { JsonReader } from './json-rows-parser.ts';
import type { RowChunk } from './row-chunk.ts';
import { RowGatherer } from './row-gatherer.ts';
import type { TypedColumn } from './type-map.ts';

/**
 * A JSON array of objects as rows of a table, typed by its columns. The body is taken into memory whole.
 * @throws InvalidRows (`line`, `row`, `field`), ValueOutOfRange (`field`, `row`), PayloadTooLarge (`limit`), UnsupportedType
 */
export async function* readJsonRows(
  body: ByteStream,
  columns: readonly TypedColumn[],
  { bodyMaxBytes }: { readonly bodyMaxBytes: number },
): AsyncGenerator<RowChunk, void, void> {
  const decoder = new JsonRowDecoder(columns);
  const reader = new JsonReader(await gatherText(body, bodyMaxBytes));
  const gatherer = new RowGatherer(columns);
  let row = 0;
  let position = 0;
  for (const item of reader.items()) {
    gatherer.add(
      decoder.decode(item, () => ({ row, line: reader.line })),
      reader.position - position,
    );
    row++;
    position = reader.position;
    if (gatherer.isFull) yield gatherer.take();
  }
  if (!gatherer.isEmpty) yield gatherer.take();
}

async function gatherText(body: ByteStream, bodyMaxBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > bodyMaxBytes) {
      throw new PayloadTooLarge(`A JSON body has at most ${bodyMaxBytes} bytes: send less at once, or NDJSON, CSV or Arrow`, { limit: bodyMaxBytes });
    }
    parts.push(part);
  }
  const whole = Buffer.concat(parts);
  if (!isUtf8(whole)) throw new InvalidRows('The body is not UTF-8', { line: 1 });
  return whole.toString('utf8');
}
