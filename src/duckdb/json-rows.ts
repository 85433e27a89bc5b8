import { isUtf8 } from 'node:buffer';
import { DuckDBDataChunk, type DuckDBValue } from '@duckdb/node-api';
import { InvalidRows, PayloadTooLarge, ValueOutOfRange } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';
import { JsonArrayReader, type JsonValue } from './json-rows-parser.ts';
import { BadValue, jsonDecoder, type FromJson } from './json-rows-values.ts';
import type { RowChunk } from './row-chunk.ts';
import type { TypedColumn } from './type-map.ts';

const CHUNK_ROWS_MAX = 2_048;

interface Column {
  readonly name: string;
  readonly decode: FromJson;
}

/**
 * A JSON array of objects as rows of a table, typed by its columns; a key that is missing is NULL.
 * @throws InvalidRows (`line`, `row`, `field`), ValueOutOfRange (`field`, `row`), PayloadTooLarge (`limit`), UnsupportedType
 */
export async function* readJsonRows(
  body: ByteStream,
  columns: readonly TypedColumn[],
  { bodyMaxBytes }: { readonly bodyMaxBytes: number },
): AsyncGenerator<RowChunk, void, void> {
  const decoders = columns.map(({ name, type }): Column => ({ name, decode: jsonDecoder(type, name) }));
  const reader = new JsonArrayReader(await gatherText(body, bodyMaxBytes));
  const chunk = DuckDBDataChunk.create(columns.map(({ type }) => type));
  const gathered: DuckDBValue[][] = [];
  let row = 0;
  let position = 0;
  const take = (): RowChunk => {
    const bytes = reader.position - position;
    position = reader.position;
    return { chunk: filled(chunk, gathered.splice(0)), bytes };
  };
  for (const item of reader.items()) {
    gathered.push(readRow(item, decoders, row++, reader));
    if (gathered.length < CHUNK_ROWS_MAX) continue;
    yield take();
  }
  if (gathered.length > 0) yield take();
}

function filled(chunk: DuckDBDataChunk, rows: readonly DuckDBValue[][]): DuckDBDataChunk {
  chunk.reset();
  chunk.setRows(rows);
  return chunk;
}

async function gatherText(body: ByteStream, bodyMaxBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > bodyMaxBytes) throw new PayloadTooLarge(`A JSON body has at most ${bodyMaxBytes} bytes: send less at once, or Arrow`, { limit: bodyMaxBytes });
    parts.push(part);
  }
  const whole = Buffer.concat(parts);
  if (!isUtf8(whole)) throw new InvalidRows('The body is not UTF-8', { line: 1 });
  return whole.toString('utf8');
}

function readRow(item: JsonValue, columns: readonly Column[], row: number, reader: JsonArrayReader): DuckDBValue[] {
  if (!(item instanceof Map)) throw invalid(`is not an object`, row, reader);
  let known = 0;
  const values = columns.map(({ name, decode }) => {
    const json = item.get(name);
    if (json === undefined) return null;
    known++;
    return readValue(json, name, decode, row, reader);
  });
  if (known < item.size) {
    const names = new Set(columns.map(({ name }) => name));
    const unknown = [...item.keys()].find((key) => !names.has(key));
    throw invalid(`has the key "${unknown}", and the table has no such column`, row, reader, unknown);
  }
  return values;
}

function readValue(json: JsonValue, name: string, decode: FromJson, row: number, reader: JsonArrayReader): DuckDBValue {
  try {
    return decode(json);
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    if (!error.outOfRange) throw invalid(`does not fit: the column "${name}" ${error.message}`, row, reader, name);
    throw new ValueOutOfRange(`Row ${row}: the column "${name}" ${error.message}`, { field: name, row });
  }
}

function invalid(what: string, row: number, reader: JsonArrayReader, field?: string): Error {
  const { line } = reader;
  return new InvalidRows(`Row ${row}, which ends in line ${line}, ${what}`, { row, line, ...(field !== undefined && { field }) });
}
