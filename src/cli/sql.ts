import { Command } from 'commander';
import type { SqlOptions } from '../client/session-requests.ts';
import { parseDuration } from '../domain/duration.ts';
import { InvalidRequest } from '../domain/errors.ts';
import { asUsage } from './failure.ts';
import { addNodeFlags, withTenant } from './node-connection.ts';
import type { NodeFlags } from './node-connection.ts';

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
        const { printRows, printTable } = await import('./sql/print-result.ts');
        const batches = handle.stream(query, { ...options, signal });
        await (flags.json === true ? printRows(batches) : printTable(batches));
      });
    });
}

function optionsOf({ table, parameters, timeout }: Flags): SqlOptions {
  return {
    ...(table === undefined ? {} : { table }),
    ...(parameters === undefined ? {} : { parameters: parametersOf(parameters) }),
    ...(timeout === undefined ? {} : { timeout: parseDuration(timeout, 'timeout') }),
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
