import Table from 'cli-table3';
import { jsonValue } from '../../client/json-values.ts';
import { rowsOfBatch } from '../../client/row-values.ts';
import type { SessionHandle } from '../../client/session-handle.ts';
import { note, print } from '../output.ts';

/** Rows that a table in a terminal may have; JSON has no such bound, it streams. */
const TABLE_ROWS_MAX = 1_000;

type Batches = ReturnType<SessionHandle['stream']>;

/** One JSON object a row, as they come. */
export async function printRows(batches: Batches): Promise<void> {
  for await (const batch of batches) {
    for (const row of rowsOfBatch(batch)) await print(JSON.stringify(jsonValue(row, 'compact')));
  }
}

/** A table for a person. */
export async function printTable(batches: Batches): Promise<void> {
  let head: string[] = [];
  const cells: string[][] = [];
  let more = false;
  for await (const batch of batches) {
    head = batch.schema.fields.map((field) => field.name);
    for (const row of rowsOfBatch(batch)) {
      more = cells.length === TABLE_ROWS_MAX;
      if (more) break;
      cells.push(Object.values(row).map(cellOf));
    }
    // Leaving the loop cancels the statement.
    if (more) break;
  }
  if (cells.length === 0) return note('no rows');
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  table.push(...cells);
  await print(table.toString());
  if (more) note(`only the first ${TABLE_ROWS_MAX} rows are shown: add a LIMIT, or --json for all`);
}

function cellOf(value: unknown): string {
  const json = jsonValue(value, 'compact');
  if (json === null) return 'NULL';
  return typeof json === 'string' ? json : JSON.stringify(json);
}
