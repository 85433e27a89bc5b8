import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Arrow from 'apache-arrow';
import {
  Dictionary,
  Field,
  Int32,
  Int64,
  type RecordBatch,
  Schema,
  Table,
  Utf8,
  tableFromArrays,
  tableFromIPC,
  tableToIPC,
  vectorFromArray,
} from 'apache-arrow';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../../src/client/connect.ts';
import { loadSettings } from '../../src/config.ts';
import { createAuthenticator } from '../../src/http/authentication.ts';
import { type HttpServer, startHttpServer } from '../../src/http/server.ts';
import {
  ConstraintViolation,
  DuplicateTable,
  Mayfly,
  type MayflyHandle,
  MayflyError,
  PartialDeletionFailure,
  QueryCancelled,
  QueryError,
  QueryTimeout,
  SchemaMismatch,
  SessionEnded,
  type SessionHandle,
  StatementNotAllowed,
  UnknownTable,
  UnsupportedType,
} from '../../src/index.ts';
import { type RunningNode, startNode } from '../../src/node.ts';
import { DEPLOYMENTS } from '../e2e/deployments.ts';

const foreign = createRequire(import.meta.url)('apache-arrow') as typeof Arrow;
const stops: (() => Promise<void>)[] = [];

async function folder(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'mayfly-client-'));
  stops.unshift(() => rm(dataDir, { recursive: true }));
  return dataDir;
}

async function library(): Promise<MayflyHandle> {
  const mayfly = await Mayfly.open({ dataDir: await folder() });
  stops.unshift(() => mayfly.close());
  return mayfly;
}

async function remote(): Promise<MayflyHandle> {
  const { settings } = loadSettings({ flags: { dataDir: await folder(), logLevel: 'warn' } });
  const node: RunningNode = await startNode(settings);
  await node.serving;
  const server: HttpServer = await startHttpServer({
    ...node,
    host: '127.0.0.1',
    port: 0,
    authenticator: await createAuthenticator(),
    insecure: false,
    nodeId: node.holder.node,
    status: () => ({ live: true, ready: true }),
    nodes: async () => [],
  });
  const mayfly = await connect(server.url);
  stops.unshift(
    () => mayfly.close(),
    () => node.drain(0),
    () => server.close({ drainMs: 0 }),
  );
  return mayfly;
}

async function inTurn(): Promise<MayflyHandle> {
  const deployment = await DEPLOYMENTS['three nodes in turn']!(await folder(), '--drain-ms', '0');
  const mayfly = await connect(deployment.next(), { direct: false, fetch: deployment.fetch });
  stops.unshift(
    () => mayfly.close(),
    async () => void (await deployment.stop()),
  );
  return mayfly;
}

afterAll(async () => {
  for (const stop of stops) await stop();
});

const schema = new Schema([new Field('id', new Int64(), false), new Field('name', new Utf8(), true)]);
const people = (from: number, count: number): Table =>
  new Table({
    id: vectorFromArray(
      Array.from({ length: count }, (_none, at) => BigInt(from + at)),
      new Int64(),
    ),
    name: vectorFromArray(
      Array.from({ length: count }, (_none, at) => (at % 3 === 0 ? null : `n${from + at}`)),
      new Utf8(),
    ),
  });

describe.each([
  ['the library', library],
  ['the remote client', remote],
  ['the remote client of three nodes in turn', inTurn],
])('a real node through %s', (_name, start) => {
  let mayfly: MayflyHandle;
  let session: SessionHandle;
  beforeAll(async () => {
    mayfly = await start();
  });
  beforeEach(async () => {
    session = await mayfly.tenant('acme').openSession({ timeout: '5m' });
  });
  afterEach(async () => {
    await session.close();
  });

  it('takes every form of data into one table', async () => {
    await session.createTable('people', schema, { primaryKey: ['id'] });
    expect(await session.insert('people', people(0, 2))).toBe(2);
    expect(await session.insert('people', people(2, 1).batches[0] as RecordBatch)).toBe(1);
    expect(await session.insert('people', people(3, 4).batches)).toBe(4);
    async function* more() {
      for (let at = 7; at < 10; at += 1) yield people(at, 1).batches[0] as RecordBatch;
    }
    expect(await session.insert('people', more())).toBe(3);
    expect(await session.insert('people', [{ id: 10n, name: 'ten' }, { id: '11' }, { id: 12, name: null }])).toBe(3);
    expect(await session.insert('people', { id: 2n ** 60n })).toBe(1);
    expect(await session.insert('people', [])).toBe(0);
    const words = vectorFromArray(['x', 'x'], new Dictionary(new Utf8(), new Int32()));
    expect(await session.insert('people', new Table({ id: vectorFromArray([20n, 21n], new Int64()), name: words }))).toBe(2);
    expect(await session.countRows('people')).toBe(16);
    expect(await session.rows('people', 'SELECT count(*) AS n, count(name) AS named, max(id) AS top FROM {table}')).toEqual([
      { n: 16n, named: 6n, top: 2n ** 60n },
    ]);
  });

  it('takes Arrow objects of another copy of apache-arrow', async () => {
    const theirs = foreign.tableFromIPC(tableToIPC(people(0, 5), 'stream'));
    await session.createTable('people', theirs.schema);
    expect(await session.insert('people', theirs)).toBe(5);
    expect(await session.insert('people', theirs.batches)).toBe(5);
    expect(await session.countRows('people')).toBe(10);
  });

  it('gives plain objects, each type as documented', async () => {
    const [row] =
      await session.rows(`SELECT 1::TINYINT AS tiny, 9007199254740993::BIGINT AS big, 1.10::DECIMAL(38, 2) AS price, 'x' AS word, NULL AS nothing, true AS yes,
      DATE '2026-02-28' AS day, TIMESTAMP '2026-02-28 12:00:00.123456' AS at, TIME '01:02:03.000004' AS time, INTERVAL '1 month 2 days 3 microseconds' AS span,
      [1, NULL, 3] AS list, {'a': {'b': [{'c': 'deep'}]}} AS struct, MAP {'k': 1} AS map, '\\x00\\xFF'::BLOB AS bytes, 'b'::ENUM('a', 'b') AS choice, 'nan'::DOUBLE AS nan`);
    expect(row).toMatchObject({
      tiny: 1,
      big: 9_007_199_254_740_993n,
      price: '1.10',
      word: 'x',
      nothing: null,
      yes: true,
      day: new Date('2026-02-28'),
      at: new Date('2026-02-28T12:00:00.123Z'),
      time: '01:02:03.000004',
      span: { months: 1, days: 2, nanos: 3_000n },
      list: [1, null, 3],
      struct: { a: { b: [{ c: 'deep' }] } },
      map: new Map([['k', 1]]),
      bytes: Uint8Array.of(0, 255),
      choice: 'b',
      nan: Number.NaN,
    });
  });

  it('binds parameters by position and by name', async () => {
    expect(await session.rows('SELECT (? + ?)::BIGINT AS sum', { parameters: [1, 2] })).toEqual([{ sum: 3n }]);
    expect(await session.rows('SELECT $a AS a, $b AS b', { parameters: { a: 'text', b: null } })).toEqual([{ a: 'text', b: null }]);
    expect(await session.rows('SELECT 1 AS one WHERE $big::BIGINT = 9223372036854775807', { parameters: { big: 2n ** 63n - 1n } })).toEqual([{ one: 1 }]);
  });

  it('answers DML with rows_changed', async () => {
    await session.createTable('people', schema);
    await session.insert('people', people(0, 4));
    expect(await session.rows('UPDATE people SET name = NULL')).toEqual([{ rows_changed: 4n }]);
    expect(await session.rows('people', 'DELETE FROM {table} WHERE id < 2 RETURNING id')).toHaveLength(2);
    expect(await session.countRows('people')).toBe(2);
  });

  it('makes tables of columns and of queries', async () => {
    await session.createTable('made', { columns: [{ name: 'n', type: 'DECIMAL(18,3)', nullable: false }] }, { primaryKey: ['n'] });
    expect(await session.describeTable('made')).toMatchObject({
      columns: [{ name: 'n', type: 'DECIMAL(18,3)', nullable: false }],
      primary_key: ['n'],
      rows: 0,
    });
    expect(await session.createTableAs('copied', 'SELECT * FROM range(5)')).toMatchObject({ name: 'copied', rows: 5, table_ref: session.tableRef('copied') });
    expect((await session.tables()).map(({ name }) => name).toSorted()).toEqual(['copied', 'made']);
    expect(await session.dropTable('copied')).toEqual({ name: 'copied', deleted_row_count: 5 });
  });

  it('rejects with the class of each error', async () => {
    await session.createTable('people', schema, { primaryKey: ['id'] });
    const cases: [() => Promise<unknown>, new (...given: never[]) => MayflyError][] = [
      [() => session.createTable('people', schema), DuplicateTable],
      [() => session.insert('missing', people(0, 1)), UnknownTable],
      [() => session.countRows('missing'), UnknownTable],
      [() => session.insert('people', tableFromArrays({ id: Int32Array.of(1) })), SchemaMismatch],
      [() => session.createTable('u', new Schema([new Field('a', new Utf8(), true), new Field('A', new Utf8(), true)])), UnsupportedType],
      [() => session.insert('people', [{ id: 1 }, { id: 1 }]), ConstraintViolation],
      [() => session.sql('SELECT nonsense'), QueryError],
      [() => session.sql('CREATE TABLE x (i INT)'), StatementNotAllowed],
      [() => session.sql('SELECT count(*) FROM range(100000000000) t(i) WHERE i % 7 = 3', { timeout: 100 }), QueryTimeout],
    ];
    for (const [call, Class] of cases) await expect(call(), Class.name).rejects.toBeInstanceOf(Class);
    expect(await session.countRows('people')).toBe(0);
    expect(new PartialDeletionFailure('x', { failed: 1 })).toBeInstanceOf(MayflyError);
  });

  it('answers what a program without types may do with a field by name', async () => {
    const acme = mayfly.tenant('acme');
    const columns = [{ name: 'a', type: 'INT' }];
    const first = async (entries: AsyncIterable<unknown>) => entries[Symbol.asyncIterator]().next();
    const cases: [call: () => Promise<unknown>, field: string][] = [
      [() => session.createTable('t', null as never), 'columns'],
      [() => session.createTable('t', {}), 'columns'],
      [() => session.createTable('t', { columns: [] }), 'columns'],
      [() => session.createTable('t', { columns: [{ name: 'a' }] }), 'columns'],
      [() => session.createTable('t', { columns }, { primaryKey: 'a' as never }), 'primary_key'],
      [() => session.createTable('t', { columns }, { primaryKey: ['b'] }), 'primary_key'],
      [() => session.sql(5 as never), 'query'],
      [() => session.sql('SELECT 1', { timeout: 'soon' }), 'timeout'],
      [() => session.extend({ timeout: '1000d' }), 'timeout'],
      [() => acme.openSession({ timeout: -1 }), 'timeout'],
      [() => acme.openSession({ labels: 'x' as never }), 'labels'],
      [() => acme.openSession({ labels: { a: 1 } as never }), 'labels.a'],
      [() => Promise.resolve(acme.sessions({ limit: 0 })), 'limit'],
      [() => acme.closeSessions({}), 'labels'],
      [() => first(acme.lifecycle({ from: -1 })), 'from'],
      [() => first(acme.lifecycle({ from: 1.5 })), 'from'],
      [() => first(acme.lifecycle({ sessionId: 'x' })), 'session_id'],
    ];
    for (const [call, field] of cases) await expect(call(), `${call}`).rejects.toMatchObject({ code: 'invalid_request', field });
    for (const rows of [null, 5, 'x']) await expect(session.insert('t', rows as never)).rejects.toMatchObject({ code: 'invalid_rows' });
    expect(await session.tables()).toEqual([]);
  });

  it('inserts nothing of a source that throws after many batches (I8)', async () => {
    await session.createTable('people', schema);
    async function* source() {
      for (let at = 0; at < 40; at += 1) yield people(at * 1_000, 1_000).batches[0] as RecordBatch;
      throw new Error('gone');
    }
    await expect(session.insert('people', source())).rejects.toThrow('gone');
    expect(await session.countRows('people')).toBe(0);
  });

  it('streams a large result, whole or visibly an error (I8)', async () => {
    let rows = 0;
    for await (const batch of session.stream('SELECT i, i::VARCHAR AS text FROM range(500000) t(i)')) rows += batch.numRows;
    expect(rows).toBe(500_000);
    const failing = async (): Promise<void> => {
      for await (const _batch of session.stream("SELECT CASE WHEN i = 999999 THEN error('late') ELSE i::VARCHAR END AS v FROM range(1000000) t(i)"));
    };
    await expect(failing()).rejects.toBeInstanceOf(MayflyError);
    expect(await session.rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('frees the session for the next statement when a loop is left', async () => {
    for await (const batch of session.stream('SELECT i, repeat(i::VARCHAR, 20) AS text FROM range(20000000) t(i)')) {
      expect(batch.numRows).toBeGreaterThan(0);
      break;
    }
    expect(await session.rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('cancels by signal and by cancel(), and the session lives on', async () => {
    const long = 'SELECT count(*) FROM range(100000000000) t(i) WHERE i % 7 = 3';
    const stop = new AbortController();
    const stopped = session.sql(long, { signal: stop.signal });
    const timer = setTimeout(() => stop.abort(), 100);
    await expect(stopped).rejects.toBeInstanceOf(QueryCancelled);
    clearTimeout(timer);
    const running = session.sql(long);
    const settled = running.then(
      () => true,
      () => true,
    );
    // Until it runs there is nothing to cancel.
    while (!(await Promise.race([settled, session.cancel().then(() => new Promise<false>((resolve) => setTimeout(() => resolve(false), 50)))])));
    await expect(running).rejects.toBeInstanceOf(QueryCancelled);
    expect(await session.rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('keeps the answer it gave after the session is gone', async () => {
    await session.createTable('people', schema);
    await session.insert('people', people(0, 3));
    const kept = await session.sql('SELECT * FROM people ORDER BY id');
    const record = await session.close();
    expect(record).toMatchObject({ event: 'closed', deleted_row_count: 3 });
    expect(tableFromIPC(tableToIPC(kept)).numRows).toBe(3);
    await expect(session.sql('SELECT 1')).rejects.toBeInstanceOf(SessionEnded);
    expect(session.state).toBe('closed');
  });

  it('disposes, ends by deadline and tells of it', async () => {
    const acme = mayfly.tenant('acme');
    let id: string;
    {
      await using disposed = await acme.openSession();
      id = disposed.id;
    }
    expect(await acme.session(id).ended).toMatchObject({ event: 'closed', details: { reason: 'disposed' } });
    const short = await acme.openSession({ timeout: 200, labels: { kind: 'short' } });
    expect(await short.ended).toMatchObject({ event: 'timed_out', details: { reason: 'deadline' } });
    expect([short.state, short.isExpired()]).toEqual(['timed_out', true]);
    const events: string[] = [];
    for await (const { record } of acme.lifecycle({ sessionId: short.id })) events.push(record.event);
    expect(events).toEqual(['opened', 'timed_out']);
  });

  it('lists and closes by label', async () => {
    const acme = mayfly.tenant('acme');
    const opened = await Promise.all([1, 2, 3].map(() => acme.openSession({ labels: { user: '42' } })));
    expect(new Set((await acme.sessions({ labels: { user: '42' }, state: 'active' })).map((view) => view.session_id))).toEqual(
      new Set(opened.map(({ id }) => id)),
    );
    const { closed, failed } = await acme.closeSessions({ labels: { user: '42' } });
    expect([closed.length, failed]).toEqual([3, []]);
  });
});
