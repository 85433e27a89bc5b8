import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { tableFromIPC, type Table } from 'apache-arrow';
import type { MayflyHandle } from '../../src/client/mayfly-handle.ts';
import { Mayfly } from '../../src/mayfly.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeCalls } from '../node-process.ts';
import { ARROW, openSession, type Workload, type Workloads } from '../workloads.ts';
import { arrowOf, BRIDGE, createTableAs, DOCUMENTED, insertArrow, type Pieces } from './raw-rows.ts';
import { BULK_ROWS, THREE_COLUMNS, TWENTY_COLUMNS, type BulkTable } from './tables.ts';

/** The documented path handles so many of W6's rows: it is held to rows a second, and takes long enough. */
const DOCUMENTED_ROWS = BULK_ROWS / 10;
const RUNS = { quick: { runs: 1 }, whole: { runs: 20, warmUpRuns: 10 } };
type Runs = Pick<Workload, 'runs' | 'warmUpRuns'>;

type Session = Awaited<ReturnType<ReturnType<MayflyHandle['tenant']>['openSession']>>;

/** What W2 and W3 share: the rows as a table of raw DuckDB, as Arrow, and in two sessions. */
interface Bulk {
  readonly raw: DuckDBConnection;
  readonly library: Session;
  readonly table: Table;
  readonly node: NodeCalls;
  /** The path of a session on the node. */
  readonly at: string;
  readonly three: Pieces;
}

/** Raw DuckDB has one thread, as a session has. */
const RAW = { threads: '1' };

/** W2 and W3. */
export async function prepareThreeColumns(node: NodeCalls, quick: boolean): Promise<Workloads> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'mayfly-bench-'));
  const mayfly = await Mayfly.open({ dataDir });
  const library = await mayfly.tenant('bench').openSession({ timeout: '1h' });
  const instance = await DuckDBInstance.create(':memory:', RAW);
  const raw = await instance.connect();
  await makeTable(raw, 'three', THREE_COLUMNS, BULK_ROWS);
  const three = await arrowOf(raw, 'FROM three', BRIDGE);
  const at = `/v1/sessions/${await openSession(node)}`;
  const bulk: Bulk = { raw, library, table: tableFromIPC(three), node, at, three };
  const runs = quick ? RUNS.quick : RUNS.whole;
  await keepRows(bulk);
  const list = [insertWorkload(bulk, runs), readWorkload(bulk, runs)];
  const close = async (): Promise<void> => {
    await node.call({ method: 'DELETE', path: at });
    await mayfly.close();
    raw.closeSync();
    instance.closeSync();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { list, close };
}

/** W6, after the others: its rows and their Arrow fill half a GB of the process, whose every page they would have to share. */
export async function prepareTwentyColumns(quick: boolean): Promise<Workloads> {
  const instance = await DuckDBInstance.create(':memory:', RAW);
  const raw = await instance.connect();
  await makeTable(raw, 'twenty', TWENTY_COLUMNS, BULK_ROWS);
  const close = async (): Promise<void> => {
    raw.closeSync();
    instance.closeSync();
  };
  return { list: [await mixedWorkload(raw, quick ? RUNS.quick : RUNS.whole)], close };
}

function insertWorkload({ raw, library, table, node, at, three }: Bulk, runs: Runs): Workload {
  const body = Buffer.concat(three);
  const columns = { columns: THREE_COLUMNS.columns };
  return {
    id: 'W2',
    title: 'insert a million rows of bigint, double and a string of 20 bytes',
    ...runs,
    inFlight: [1],
    subjects: [
      {
        name: 'Mayfly over HTTP',
        rows: BULK_ROWS,
        once: async () => {
          await node.call({ method: 'PUT', path: `${at}/tables/bulk`, body: JSON.stringify(columns) });
          await node.call({ method: 'POST', path: `${at}/tables/bulk/rows`, body, type: ARROW });
          await node.call({ method: 'DELETE', path: `${at}/tables/bulk` });
        },
      },
      {
        name: 'Mayfly as a library',
        rows: BULK_ROWS,
        once: async () => {
          await library.createTable('bulk', columns);
          await library.insert('bulk', table);
          await library.dropTable('bulk');
        },
      },
      { name: 'the bridge alone', rows: BULK_ROWS, once: async () => whole(await insertArrow(raw, three, BRIDGE)) },
      { name: 'raw DuckDB, chunks of values', rows: BULK_ROWS, once: async () => whole(await insertArrow(raw, three, DOCUMENTED)) },
      { name: 'raw DuckDB, CREATE TABLE AS', rows: BULK_ROWS, once: () => createTableAs(raw, 'three') },
    ],
  };
}

function readWorkload({ raw, library, node, at, three }: Bulk, runs: Runs): Workload {
  const body = JSON.stringify({ query: 'SELECT * FROM kept' });
  const bytes = byteCount(three);
  return {
    id: 'W3',
    title: 'read those rows back as Arrow',
    ...runs,
    inFlight: [1],
    subjects: [
      {
        name: 'Mayfly over HTTP',
        rows: BULK_ROWS,
        once: async () => same(byteCount(await node.read({ method: 'POST', path: `${at}/sql`, body, accept: ARROW })), bytes),
      },
      { name: 'Mayfly as a library', rows: BULK_ROWS, once: async () => whole((await library.sql('SELECT * FROM kept')).numRows) },
      { name: 'the bridge alone', rows: BULK_ROWS, once: async () => same(byteCount(await arrowOf(raw, 'FROM three', BRIDGE)), bytes) },
      { name: 'raw DuckDB, value by value', rows: BULK_ROWS, once: async () => same(byteCount(await arrowOf(raw, 'FROM three', DOCUMENTED)), bytes) },
    ],
  };
}

async function mixedWorkload(raw: DuckDBConnection, runs: Runs): Promise<Workload> {
  const some = `FROM twenty LIMIT ${DOCUMENTED_ROWS}`;
  const all = await arrowOf(raw, 'FROM twenty', BRIDGE);
  const few = await arrowOf(raw, some, BRIDGE);
  return {
    id: 'W6',
    title: `20 columns of mixed types with nulls, a million rows in and out (${DOCUMENTED_ROWS.toLocaleString('en')} of them value by value)`,
    ...runs,
    inFlight: [1],
    subjects: [
      { name: 'in, the bridge', rows: BULK_ROWS, once: async () => whole(await insertArrow(raw, all, BRIDGE)) },
      { name: 'in, chunks of values', rows: DOCUMENTED_ROWS, once: async () => same(await insertArrow(raw, few, DOCUMENTED), DOCUMENTED_ROWS) },
      { name: 'out, the bridge', rows: BULK_ROWS, once: async () => same(byteCount(await arrowOf(raw, 'FROM twenty', BRIDGE)), byteCount(all)) },
      { name: 'out, value by value', rows: DOCUMENTED_ROWS, once: async () => same(byteCount(await arrowOf(raw, some, DOCUMENTED)), byteCount(few)) },
    ],
  };
}

async function makeTable(raw: DuckDBConnection, name: string, { columns, select }: BulkTable, rows: number): Promise<void> {
  await raw.run(`CREATE TABLE ${name} (${columns.map((column) => `${column.name} ${column.type}`).join(', ')})`);
  await raw.run(`INSERT INTO ${name} ${select(0, rows)}`);
}

/** The rows of W3, in both sessions. */
async function keepRows({ library, table, node, at, three }: Bulk): Promise<void> {
  await library.createTable('kept', { columns: THREE_COLUMNS.columns });
  await library.insert('kept', table);
  await node.call({ method: 'PUT', path: `${at}/tables/kept`, body: Buffer.concat(three), type: ARROW });
}

function byteCount(pieces: Pieces): number {
  return pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** A fast wrong answer is no answer. */
function same(got: number, expected: number): void {
  if (got !== expected) throw new Error(`${got} came back; ${expected} is right`);
}

function whole(rows: number): void {
  same(rows, BULK_ROWS);
}
