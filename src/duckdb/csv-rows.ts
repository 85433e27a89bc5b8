import type { DuckDBValue } from '@duckdb/node-api';
import { InvalidRows } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';
import { badRow, decodeValue } from './bad-row.ts';
import { CsvReader, type CsvRecord } from './csv-reader.ts';
import type { RowChunk } from './row-chunk.ts';
import { RowGatherer } from './row-gatherer.ts';
import { textDecoder, type FromText } from './text-decoder.ts';
import type { TypedColumn } from './type-map.ts';
import { utf8Text } from './utf8-text.ts';

interface CsvColumn {
  readonly name: string;
  /** Its place in the table. */
  readonly index: number;
  readonly decode: FromText;
}

/**
 * CSV with a header as rows of a table, typed by its columns; a column that the header leaves out is NULL.
 * @throws InvalidRows (`line`, `row`, `field`), ValueOutOfRange (`field`, `row`), PayloadTooLarge (`limit`), UnsupportedType
 */
export async function* readCsvRows(
  body: ByteStream,
  columns: readonly TypedColumn[],
  { rowMaxBytes }: { readonly rowMaxBytes: number },
): AsyncGenerator<RowChunk, void, void> {
  const gatherer = new RowGatherer(columns);
  let header: readonly CsvColumn[] | undefined;
  let row = 0;
  for await (const records of recordsOf(body, rowMaxBytes)) {
    for (const record of records) {
      if (header === undefined) {
        header = headerOf(record, columns);
        continue;
      }
      // With one column an empty line is its NULL.
      if (isBlank(record) && header.length > 1) continue;
      gatherer.add(rowOf(record, row, header, columns.length), bytesOf(record));
      row++;
      if (gatherer.isFull) yield gatherer.take();
    }
  }
  if (header === undefined) throw new InvalidRows('The CSV has no header: its first line names the columns', { line: 1 });
  if (!gatherer.isEmpty) yield gatherer.take();
}

/** Records as they are whole, those of one piece at a time. */
async function* recordsOf(body: ByteStream, recordMaxBytes: number): AsyncGenerator<Iterable<CsvRecord>, void, void> {
  const reader = new CsvReader(recordMaxBytes);
  for await (const text of utf8Text(body)) yield reader.push(text, false);
  yield reader.push('', true);
}

function bytesOf({ cells }: CsvRecord): number {
  return cells.reduce((sum, cell) => sum + (cell?.length ?? 0) + 1, 0);
}

function headerOf({ cells, line }: CsvRecord, columns: readonly TypedColumn[]): CsvColumn[] {
  const seen = new Set<string>();
  return cells.map((cell) => {
    const name = cell ?? '';
    const index = columns.findIndex((column) => column.name === name);
    if (index < 0) throw new InvalidRows(`The header names "${name}", and the table has no such column`, { line, field: name });
    if (seen.has(name)) throw new InvalidRows(`The header names "${name}" twice`, { line, field: name });
    seen.add(name);
    return { name, index, decode: textDecoder(columns[index]!.type, name) };
  });
}

function isBlank({ cells }: CsvRecord): boolean {
  return cells.length === 1 && cells[0] === null;
}

function rowOf({ cells, line }: CsvRecord, row: number, header: readonly CsvColumn[], width: number): DuckDBValue[] {
  const place = { row, line };
  if (cells.length !== header.length) throw badRow(`has ${cells.length} values, and the header names ${header.length} columns`, place);
  const values: DuckDBValue[] = Array.from({ length: width }, () => null);
  header.forEach(({ name, index, decode }, position) => {
    const cell = cells[position]!;
    if (cell !== null) values[index] = decodeValue(cell, name, decode, () => place);
  });
  return values;
}
