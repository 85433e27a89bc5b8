import { PayloadTooLarge } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';
import { JsonRowDecoder } from './json-row.ts';
import { JsonReader } from './json-rows-parser.ts';
import type { RowChunk } from './row-chunk.ts';
import { RowGatherer } from './row-gatherer.ts';
import type { TypedColumn } from './type-map.ts';
import { utf8Text } from './utf8-text.ts';

const BLANK = /^[ \t\r]*$/;

/**
 * Lines of JSON objects as rows of a table, typed by its columns; one line in memory at a time. Blank lines are passed over.
 * @throws InvalidRows (`line`, `row`, `field`), ValueOutOfRange (`field`, `row`), PayloadTooLarge (`limit`), UnsupportedType
 */
export async function* readNdjsonRows(
  body: ByteStream,
  columns: readonly TypedColumn[],
  { rowMaxBytes }: { readonly rowMaxBytes: number },
): AsyncGenerator<RowChunk, void, void> {
  const decoder = new JsonRowDecoder(columns);
  const gatherer = new RowGatherer(columns);
  let row = 0;
  let line = 0;
  for await (const lines of linesOf(body, rowMaxBytes)) {
    for (const text of lines) {
      line++;
      if (BLANK.test(text)) continue;
      gatherer.add(
        decoder.decode(new JsonReader(text, line).whole(), () => ({ row, line })),
        text.length,
      );
      row++;
      if (gatherer.isFull) yield gatherer.take();
    }
  }
  if (!gatherer.isEmpty) yield gatherer.take();
}

/** Lines as they are complete, several at a time. */
async function* linesOf(body: ByteStream, lineMaxBytes: number): AsyncGenerator<readonly string[], void, void> {
  let begun: string[] = [];
  let begunChars = 0;
  for await (const text of utf8Text(body)) {
    const lines = text.split('\n');
    begun.push(lines[0]!);
    begunChars += lines[0]!.length;
    if (begunChars > lineMaxBytes) throw new PayloadTooLarge(`A line of NDJSON has at most ${lineMaxBytes} bytes`, { limit: lineMaxBytes });
    if (lines.length === 1) continue;
    lines[0] = begun.join('');
    begun = [lines.pop()!];
    begunChars = begun[0]!.length;
    yield lines;
  }
  yield [begun.join('')];
}
