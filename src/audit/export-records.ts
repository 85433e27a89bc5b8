import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { writeParquet } from '../duckdb/parquet-file.ts';
import type { LifecycleEntry } from '../domain/gateway.ts';
import { RECORD_COLUMNS, RECORD_LINE } from './record-columns.ts';

export type ExportFormat = 'parquet' | 'ndjson';

export interface ExportOptions {
  readonly file: string;
  readonly format: ExportFormat;
  /** The offset the records were asked from: where to go on when there are none. */
  readonly from: number;
  /** Aborted, nothing is written. */
  readonly signal: AbortSignal;
}

export interface Exported {
  /** null when there was no record to write. */
  readonly file: string | null;
  readonly records: number;
  /** The first offset that a later export has to ask for. */
  readonly next_offset: number;
}

/**
 * Writes records to a file that is there whole or not at all: beside it first, synced, then under its name. Memory is
 * bounded: records lie on disk as lines before they become Parquet.
 */
export async function exportRecords(entries: AsyncIterable<LifecycleEntry>, options: ExportOptions): Promise<Exported> {
  const { format, signal } = options;
  const file = path.resolve(options.file);
  const lines = `${file}.${randomUUID()}.part`;
  const columns = `${lines}.parquet`;
  const tally = { records: 0, next_offset: options.from };
  try {
    await pipeline(Readable.from(linesOf(entries, tally)), createWriteStream(lines, { flags: 'wx', flush: true }), { signal });
    if (tally.records === 0) return { file: null, ...tally };
    if (format === 'parquet') {
      await writeParquet({ from: lines, to: columns, line: RECORD_LINE, columns: RECORD_COLUMNS, signal });
      await sync(columns);
    }
    await rename(format === 'parquet' ? columns : lines, file);
    await sync(path.dirname(file));
    return { file: options.file, ...tally };
  } finally {
    await Promise.all([lines, columns].map((part) => rm(part, { force: true })));
  }
}

async function* linesOf(entries: AsyncIterable<LifecycleEntry>, tally: { records: number; next_offset: number }): AsyncGenerator<string> {
  for await (const entry of entries) {
    yield `${JSON.stringify(entry)}\n`;
    tally.records += 1;
    tally.next_offset = entry.offset + 1;
  }
}

/** A file's bytes, or a folder's names, are on disk when it resolves. */
async function sync(name: string): Promise<void> {
  const handle = await open(name, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
