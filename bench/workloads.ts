import { DuckDBInstance } from '@duckdb/node-api';
import type { NodeCalls } from './node-process.ts';
import type { Postgres } from './postgres.ts';
import { ORDER_COLUMNS, ORDER_ROWS, ORDER_SUMMARY, checkSummary, ordersAsArrow } from './orders.ts';
import { attachedPerSession, instancePerSession, selectOnConnection } from './raw-duckdb.ts';

export const ARROW = 'application/vnd.apache.arrow.stream';

export interface Subject {
  readonly name: string;
  /** One run of the workload, checked. */
  readonly once: () => Promise<void>;
  /** Rows that a run moves, where that is what it is about. */
  readonly rows?: number;
}

export interface Workload {
  readonly id: string;
  readonly title: string;
  /** Runs of each subject at each number in flight. */
  readonly runs: number;
  /** Of each subject before any is timed, a round's by default: V8 compiles what has run some hundred times. */
  readonly warmUpRuns?: number;
  readonly inFlight: readonly number[];
  /** Mayfly first, then what it is held against. */
  readonly subjects: readonly Subject[];
}

export interface Workloads {
  readonly list: readonly Workload[];
  readonly close: () => Promise<void>;
}

export interface Contestants {
  readonly node: NodeCalls;
  /** A node that destroys every DuckDB instance with its session. */
  readonly withoutReuse: NodeCalls;
  readonly postgres: Postgres | undefined;
}

export async function prepareWorkloads({ node, withoutReuse, postgres }: Contestants, quick: boolean): Promise<Workloads> {
  const shared = await DuckDBInstance.create(':memory:');
  const connection = await shared.connect();
  const session = await openSession(node);
  const w1: Workload = {
    id: 'W1',
    title: 'open, create a keyed table, insert 1,000 rows, one aggregate, close',
    runs: quick ? 40 : 600,
    warmUpRuns: quick ? 10 : 600,
    inFlight: [1, 8],
    subjects: [
      { name: 'Mayfly over HTTP, records fsynced', once: wholeSession(node) },
      { name: 'Mayfly over HTTP, an instance per session', once: wholeSession(withoutReuse) },
      ...(postgres === undefined ? [] : [{ name: 'PostgreSQL, a connection per session, records fsynced', once: postgres.wholeSession }]),
      { name: 'raw DuckDB, an instance per session', once: instancePerSession },
      { name: 'raw DuckDB, an attached database per session', once: attachedPerSession(shared) },
    ],
  };
  const w4: Workload = {
    id: 'W4',
    title: 'SELECT 42 on an open session',
    runs: quick ? 200 : 5_000,
    inFlight: [1],
    subjects: [
      { name: 'Mayfly over HTTP', once: selectInSession(node, session) },
      { name: 'raw DuckDB', once: selectOnConnection(connection) },
    ],
  };
  return {
    list: [w1, w4],
    close: async () => {
      await node.call({ method: 'DELETE', path: `/v1/sessions/${session}` });
      connection.closeSync();
      shared.closeSync();
    },
  };
}

export function wholeSession(node: NodeCalls): () => Promise<void> {
  const rows = ordersAsArrow();
  const columns = JSON.stringify({ columns: ORDER_COLUMNS, primary_key: ['id'] });
  const summary = JSON.stringify({ query: ORDER_SUMMARY });
  return async () => {
    const at = `/v1/sessions/${await openSession(node)}`;
    await node.call({ method: 'PUT', path: `${at}/tables/orders`, body: columns });
    await node.call({ method: 'POST', path: `${at}/tables/orders/rows`, body: rows, type: ARROW });
    const answer = (await node.call({ method: 'POST', path: `${at}/sql`, body: summary })) as { rows: readonly unknown[][] };
    checkSummary(answer.rows[0]);
    const record = (await node.call({ method: 'DELETE', path: at })) as { event: string; deleted_row_count: number };
    if (record.event !== 'closed' || record.deleted_row_count !== ORDER_ROWS) throw new Error(`The session ended as ${JSON.stringify(record)}`);
  };
}

export function selectInSession(node: NodeCalls, session: string): () => Promise<void> {
  const body = JSON.stringify({ query: 'SELECT 42' });
  return async () => {
    const answer = (await node.call({ method: 'POST', path: `/v1/sessions/${session}/sql`, body })) as { rows: readonly unknown[][] };
    if (answer.rows[0]?.[0] !== 42) throw new Error('SELECT 42 did not answer 42');
  };
}

export async function openSession(node: NodeCalls): Promise<string> {
  const view = (await node.call({ method: 'POST', path: '/v1/sessions', body: '{"timeout":"1h"}' })) as { session_id: string };
  return view.session_id;
}
