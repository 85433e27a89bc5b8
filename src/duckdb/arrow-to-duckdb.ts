import { DuckDBDataChunk, type DuckDBType } from '@duckdb/node-api';
import { SchemaMismatch, ValueOutOfRange } from '../domain/errors.ts';
import type { ByteStream, ColumnView } from '../domain/gateway.ts';
import { prepareDecompression } from './arrow-compression.ts';
import { DecodeBudget, OverBudget } from './arrow-budget.ts';
import { RawBatches, type BatchDecoder, type FillChunk } from './arrow-batches.ts';
import { broken, decoding, type FlatTable } from './arrow-flatbuffer.ts';
import { HEADER, readMessages, type ArrowMessage } from './arrow-frames.ts';
import { readSchema, type ArrowField } from './arrow-schema.ts';
import { VECTOR_ROWS } from './raw-vector.ts';
import type { RowChunk } from './row-chunk.ts';
import { sameTypeText } from './type-text.ts';
import { duckdbTypes } from './type-map.ts';

const CHUNK_MAX_BYTES = 64 * 1_048_576;
const ROW_MAX_BYTES = 256 * 1_048_576;

export interface ArrowInput {
  /** What the stream's schema makes of a table; `type` is DuckDB SQL. */
  readonly columns: readonly ColumnView[];
  /** Rows handed out so far. */
  readonly rows: number;
  /**
   * The rows, at most 2,048 a chunk. Ends well only when the stream was whole (I8). To be called once.
   * @throws InvalidArrow, ValueOutOfRange (`field`), PayloadTooLarge (`limit`)
   */
  chunks(): AsyncGenerator<RowChunk, void, void>;
  /** Lets go of the body when `chunks` is not going to be read. */
  close(): Promise<void>;
}

export interface ArrowLimits {
  /** The largest message (a record batch, a dictionary) that is taken into memory. */
  readonly messageMaxBytes: number;
}

/** @param maxBytes bounds the dictionaries a decoder keeps */
export type OpenDecoder = (fields: readonly ArrowField[], maxBytes: number) => BatchDecoder;

/**
 * Reads the schema of an Arrow IPC stream; the batches are read as `chunks` asks for them, one message in memory at a time.
 * @throws InvalidArrow, UnsupportedType (`field`, `arrow_type`)
 */
export async function openArrowStream(
  body: ByteStream,
  { messageMaxBytes }: ArrowLimits,
  openDecoder: OpenDecoder = (fields, maxBytes) => new RawBatches(fields, maxBytes),
): Promise<ArrowInput> {
  const messages = readMessages(body, messageMaxBytes);
  try {
    const first = await messages.next();
    if (first.done === true || first.value.headerType !== HEADER.schema) throw broken('no schema at its beginning');
    const fields = readSchema(first.value.header);
    return new ArrowStream(
      fields,
      duckdbTypes(fields),
      messages,
      decoding(() => openDecoder(fields, messageMaxBytes)),
    );
  } catch (error) {
    await messages.return();
    throw error;
  }
}

class ArrowStream implements ArrowInput {
  readonly columns: readonly ColumnView[];
  rows = 0;
  readonly #fields: readonly ArrowField[];
  readonly #types: readonly DuckDBType[];
  readonly #messages: AsyncGenerator<ArrowMessage, void, void>;
  readonly #decoder: BatchDecoder;
  #rowsPerChunk = VECTOR_ROWS;

  constructor(fields: readonly ArrowField[], types: readonly DuckDBType[], messages: AsyncGenerator<ArrowMessage, void, void>, decoder: BatchDecoder) {
    this.#fields = fields;
    this.#types = types;
    this.#messages = messages;
    this.#decoder = decoder;
    this.columns = fields.map(({ name, nullable }, index) => ({ name, type: String(types[index]), nullable }));
  }

  async *chunks(): AsyncGenerator<RowChunk, void, void> {
    const chunk = DuckDBDataChunk.create(this.#types);
    for await (const { headerType, header, body } of this.#messages) {
      await prepareDecompression(headerType === HEADER.dictionaryBatch ? decoding(() => header.table(1)) : header);
      if (headerType === HEADER.dictionaryBatch) decoding(() => this.#decoder.acceptDictionary(header, body));
      else if (headerType === HEADER.recordBatch) yield* this.#batchChunks(header, body, chunk);
      else throw broken(`a message of the unexpected kind ${headerType}`);
    }
  }

  async close(): Promise<void> {
    await this.#messages.return();
  }

  *#batchChunks(header: FlatTable, body: Uint8Array, chunk: DuckDBDataChunk): Generator<RowChunk, void, void> {
    const { rows, fill } = decoding(() => this.#decoder.openBatch(header, body));
    for (let start = 0; start < rows; start += chunk.rowCount) {
      const bytes = this.#fill(fill, chunk, start, rows - start);
      this.rows += chunk.rowCount;
      yield { chunk, bytes };
    }
  }

  /** Fills the chunk with as many rows from `start` on as fit its budget, and returns what they took of it. */
  #fill(fill: FillChunk, chunk: DuckDBDataChunk, start: number, rowsLeft: number): number {
    for (;;) {
      const rows = Math.min(this.#rowsPerChunk, rowsLeft);
      const budget = new DecodeBudget(rows === 1 ? ROW_MAX_BYTES : CHUNK_MAX_BYTES);
      try {
        chunk.reset();
        chunk.rowCount = rows;
        decoding(() => fill(chunk, start, rows, budget));
        return budget.spentBytes;
      } catch (error) {
        if (!(error instanceof OverBudget)) throw error;
        if (rows === 1) throw this.#rowTooLarge();
        this.#rowsPerChunk = Math.ceil(rows / 2);
      }
    }
  }

  #rowTooLarge(): Error {
    const field = this.#fields[0]!.name;
    return new ValueOutOfRange(`Row ${this.rows} of the Arrow stream takes more than ${ROW_MAX_BYTES} bytes`, { field });
  }
}

/**
 * Holds the stream against the table it goes into: names, order and DuckDB types. Whether a column is nullable does not
 * matter here; a null that must not be is DuckDB's to refuse.
 * @throws SchemaMismatch naming the first differing column (`column`, `expected`, `actual`)
 */
export function matchColumns(table: readonly ColumnView[], input: Pick<ArrowInput, 'columns'>): void {
  for (let index = 0; index < Math.max(table.length, input.columns.length); index++) {
    const wanted = table[index];
    const given = input.columns[index];
    if (wanted !== undefined && given !== undefined && wanted.name === given.name && sameTypeText(wanted.type, given.type)) continue;
    const expected = describe(wanted);
    const actual = describe(given);
    throw new SchemaMismatch(`Column ${index + 1} of the data is ${actual}, and the table has ${expected} there`, {
      column: wanted?.name ?? given?.name,
      field: wanted?.name ?? given?.name,
      expected,
      actual,
    });
  }
}

function describe(column: ColumnView | undefined): string {
  return column === undefined ? 'no column' : `"${column.name}" ${column.type}`;
}
