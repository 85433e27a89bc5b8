import Table from 'cli-table3';
import { Command } from 'commander';
import { jsonValue } from '../client/json-values.ts';
import { rowsOfBatch } from '../client/row-values.ts';
import type { SessionHandle } from '../client/session-handle.ts';
import type { SqlOptions } from '../client/session-requests.ts';
import { InvalidRequest } from '../domain/errors.ts';
import { asUsage } from './failure.ts';
import { addNodeFlags, withTenant } from './node-connection.ts';
import type { NodeFlags } from './node-connection.ts';
import { note, print } from './output.ts';

/** Rows that a table in a terminal may have; JSON has no such bound, it streams. */
const TABLE_ROWS_MAX = 1_000;

interface Flags extends NodeFlags {
  readonly table?: string;
  readonly parameters?: string;
  readonly timeout?: string;
}

/** `mayfly sql`: one statement in a session that is there. */
export function sqlCommand(): Command {
  return addNodeFlags(new Command('sql'))
    .description('Run one statement in a session; prints a table, or with --json one object a row')
    .argument('<session>', 'id of the session')
    .argument('<query>', 'the statement')
    .option('--table <name>', 'the table that {table} stands for')
    .option('--parameters <json>', 'values for ?, $1 (an array) or $name (an object)')
    .option('--timeout <duration>', 'the time it may take, such as 5s')
    .action(async (session: string, query: string, flags: Flags) => {
      const options = await asUsage(() => optionsOf(flags));
      await withTenant(flags, async (tenant, signal) => {
        const handle = await asUsage(() => tenant.session(session));
        const batches = handle.stream(query, { ...options, signal });
        await (flags.json === true ? printRows(batches) : printTable(batches));
      });
    });
}

function optionsOf({ table, parameters, timeout }: Flags): SqlOptions {
  return {
    ...(table === undefined ? {} : { table }),
    ...(parameters === undefined ? {} : { parameters: parametersOf(parameters) }),
    ...(timeout === undefined ? {} : { timeout }),
  };
}

/** @throws InvalidRequest unless it is the JSON of an array or an object */
function parametersOf(text: string): NonNullable<SqlOptions['parameters']> {
  let held: unknown;
  try {
    held = JSON.parse(text);
  } catch (cause) {
    throw new InvalidRequest(`--parameters is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { field: 'parameters' }, { cause });
  }
  if (typeof held !== 'object' || held === null) throw new InvalidRequest('--parameters is an array or an object', { field: 'parameters' });
  return held as NonNullable<SqlOptions['parameters']>;
}

type Batches = ReturnType<SessionHandle['stream']>;

async function printRows(batches: Batches): Promise<void> {
  for await (const batch of batches) {
    for (const row of rowsOfBatch(batch)) await print(JSON.stringify(jsonValue(row, 'compact')));
  }
}

async function printTable(batches: Batches): Promise<void> {
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
