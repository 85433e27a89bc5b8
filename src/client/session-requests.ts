import type { DurationInput } from '../domain/duration.ts';
import { InvalidRequest } from '../domain/errors.ts';
import type { ExtendSessionRequest, OpenSessionRequest, QueryRequest } from '../domain/gateway.ts';
import { parseLogicalName } from '../domain/table-name.ts';
import { jsonValue } from './json-values.ts';
import { assertKnown } from './known-options.ts';

export interface SqlOptions {
  /** The table `{table}` stands for, when the call names none. */
  readonly table?: string;
  /** Positional as an array, named as an object. Bigints go as numbers where exact, else as text; dates as ISO text; bytes as base64. */
  readonly parameters?: readonly unknown[] | Readonly<Record<string, unknown>>;
  /** Aborting cancels the statement: it rejects with `QueryCancelled`, the session lives on. */
  readonly signal?: AbortSignal;
  /** The statement's own time limit, at most the node's. */
  readonly timeout?: DurationInput;
}

interface Lifetimes {
  readonly timeout?: DurationInput;
  readonly idleTimeout?: DurationInput;
}

export function openRequest(options: Lifetimes & { readonly labels?: Readonly<Record<string, string>> }): OpenSessionRequest {
  return { ...extendRequest(options), ...(options.labels === undefined ? {} : { labels: options.labels }) };
}

export function extendRequest({ timeout, idleTimeout }: Lifetimes): ExtendSessionRequest {
  return { ...(timeout === undefined ? {} : { timeout }), ...(idleTimeout === undefined ? {} : { idle_timeout: idleTimeout }) };
}

export interface SqlCall {
  readonly request: QueryRequest;
  readonly signal: AbortSignal | undefined;
}

/** Sorts out the two forms, `(query, options?)` and `(table, query, options?)`: a text in second place is the query. */
export function sqlCall(first: string, second?: string | SqlOptions, third?: SqlOptions): SqlCall {
  const named = typeof second === 'string';
  const query = named ? second : first;
  const options = (named ? third : second) ?? {};
  if (typeof query !== 'string') throw new InvalidRequest('Give the statement as a text', { field: 'query' });
  assertKnown(options, ['table', 'parameters', 'signal', 'timeout']);
  const table = named ? first : options.table;
  const { parameters, timeout, signal } = options;
  return {
    request: {
      query,
      ...(table === undefined ? {} : { table: parseLogicalName(table) }),
      ...(parameters === undefined ? {} : { parameters: parametersAsJson(parameters) }),
      ...(timeout === undefined ? {} : { timeout }),
    },
    signal,
  };
}

function parametersAsJson(parameters: NonNullable<SqlOptions['parameters']>): NonNullable<QueryRequest['parameters']> {
  try {
    return jsonValue(parameters, 'compact') as NonNullable<QueryRequest['parameters']>;
  } catch (cause) {
    throw new InvalidRequest(`The parameters cannot be sent: ${cause instanceof Error ? cause.message : String(cause)}`, { field: 'parameters' }, { cause });
  }
}
