import { Field, Int32, type RecordBatch, Schema, Table, tableFromArrays } from 'apache-arrow';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest';
import type { LifecycleRecord, SessionHandle, TenantHandle } from '../../src/client/index.ts';
import {
  InvalidName,
  InvalidRequest,
  NameTooLong,
  NoTenantBinding,
  QueryCancelled,
  SessionEnded,
  Unavailable,
  UnknownSession,
  UnknownTable,
} from '../../src/domain/errors.ts';
import { embedded, remote, type Served } from './served.ts';

const schema = new Schema([new Field('n', new Int32(), true)]);
const numbers = (...n: number[]): Table => tableFromArrays({ n: Int32Array.from(n) });

describe.each([
  ['the library', embedded],
  ['the remote client', remote],
])('handles through %s', (_name, start) => {
  let served: Served;
  let acme: TenantHandle;
  let session: SessionHandle;

  beforeEach(async () => {
    served = await start();
    acme = served.mayfly.tenant('acme');
    session = await acme.openSession({ timeout: '1h', idleTimeout: '10m', labels: { user: '42' } });
  });
  afterEach(() => served.stop());

  const withNumbers = async (...n: number[]): Promise<void> => {
    await session.createTable('n', schema);
    await session.insert('n', numbers(...n));
  };

  it('refuses to go without a tenant', () => {
    expect(() => served.mayfly.tenant('')).toThrow(NoTenantBinding);
    expect(() => served.mayfly.tenant()).toThrow(NoTenantBinding);
    expect(() => served.mayfly.tenant('no/slash')).toThrow(InvalidRequest);
  });

  it('tells a session’s facts without waiting', () => {
    expect(session.tenant).toBe('acme');
    expect(session.timeout).toBe(3_600_000);
    expect(session.state).toBe('active');
    expect(session.labels).toEqual({ user: '42' });
    expect(session.expiresAt?.getTime()).toBe(session.createdAt.getTime() + 3_600_000);
    expect(session.isExpired()).toBe(false);
    expect(session.isExpired(session.expiresAt as Date)).toBe(true);
    expect(session.isExpired(session.createdAt.getTime())).toBe(false);
  });

  it.each<[string, (options: object) => unknown]>([
    ['timeot', (options) => acme.openSession(options)],
    ['label', (options) => acme.sessions(options)],
    ['label', (options) => acme.closeSessions({ state: 'active', ...options })],
    ['session_id', (options) => acme.lifecycle(options).next()],
    ['primary_key', (options) => session.createTable('n', schema, options)],
    ['primary_key', (options) => session.createTableAs('n', 'FROM n', options)],
    ['key', (options) => session.insert('n', numbers(1), options)],
    ['key', (options) => session.dropTable('n', options)],
    ['params', (options) => session.sql('FROM n', options)],
    ['params', (options) => session.rows('n', 'FROM {table}', options)],
    ['idle_timeout', (options) => session.extend(options)],
  ])('refuses the option "%s", which is none, rather than leave a default in force', async (option, call) => {
    await withNumbers(1);
    const before = served.gateway.requests.length;
    await expect((async () => call({ [option]: 'x' }))()).rejects.toMatchObject({ code: 'invalid_request', fields: { field: option } });
    expect(served.gateway.requests).toHaveLength(before);
  });

  it('creates, inserts every kind of data, and reads it back', async () => {
    const made = await session.createTable('n', schema, { primaryKey: ['n'] });
    expect(made).toEqual({ name: 'n', physical_id: session.physicalTableId('n'), table_ref: session.tableRef('n'), rows: 0 });
    expect(served.gateway.requests.at(-1)).toMatchObject({ call: 'createTable', body: { kind: 'arrow', primary_key: ['n'] } });
    const batches = numbers(2, 3).batches;
    expect(await session.insert('n', numbers(1))).toBe(1);
    expect(await session.insert('n', batches[0] as RecordBatch)).toBe(2);
    expect(await session.insert('n', [...numbers(4).batches, ...numbers(5).batches])).toBe(2);
    expect(await session.insert('n', later(numbers(6).batches))).toBe(1);
    expect(await session.countRows('n')).toBe(6);
    const table = await session.sql('n', 'FROM {table}');
    expect(table).toBeInstanceOf(Table);
    expect(table.getChild('n')?.toArray()).toEqual(Int32Array.of(1, 2, 3, 4, 5, 6));
    expect(await session.rows<{ n: number }>('FROM n')).toEqual([1, 2, 3, 4, 5, 6].map((n) => ({ n })));
  });

  it('inserts row objects, one, many and streamed', async () => {
    await session.createTable('n', { columns: [{ name: 'n', type: 'DOUBLE' }] });
    expect(await session.insert('n', { n: 1 })).toBe(1);
    expect(await session.insert('n', [{ n: 2 }, { n: 3 }])).toBe(2);
    expect(await session.insert('n', later([{ n: 4 }]))).toBe(1);
    expect(await session.rows('n', 'FROM {table}')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]);
  });

  it('inserts nothing from a source that throws, and rejects with its own error (I8)', async () => {
    await withNumbers(1);
    const broken = new Error('the disk is gone');
    async function* source() {
      yield numbers(2).batches[0] as RecordBatch;
      throw broken;
    }
    await expect(session.insert('n', source())).rejects.toBe(broken);
    async function* rows() {
      yield { n: 2 };
      throw broken;
    }
    await expect(session.insert('n', rows())).rejects.toBe(broken);
    expect(await session.countRows('n')).toBe(1);
  });

  it('reads a large source only as fast as the node takes it, and lets go of it when the insert is refused', async () => {
    const wide = tableFromArrays({ n: new Int32Array(64 * 1024) }).batches[0] as RecordBatch;
    let read = 0;
    let left = false;
    async function* source() {
      try {
        for (; read < 2_000; read += 1) yield wide;
      } finally {
        left = true;
      }
    }
    await expect(session.insert('missing', source())).rejects.toBeInstanceOf(UnknownTable);
    await vi.waitFor(() => expect(left).toBe(true));
    expect(read).toBeLessThan(500);
  });

  it('takes both forms of a call, with parameters as JSON', async () => {
    await withNumbers(1);
    const sent = (): unknown => served.gateway.requests.at(-1)?.body;
    await session.sql('FROM n', { parameters: { small: 7n, big: 2n ** 60n, at: new Date(0) }, timeout: '5s' });
    expect(sent()).toEqual({ query: 'FROM n', parameters: { small: 7, big: '1152921504606846976', at: '1970-01-01T00:00:00.000Z' }, timeout: '5s' });
    await session.sql('n', 'FROM {table}', { parameters: [1, null] });
    expect(sent()).toEqual({ query: 'FROM {table}', table: 'n', parameters: [1, null] });
    await session.rows('FROM {table}', { table: 'n' });
    expect(sent()).toEqual({ query: 'FROM {table}', table: 'n' });
    await expect(session.sql('FROM n', { parameters: [() => 1] })).rejects.toMatchObject({ code: 'invalid_request', field: 'parameters' });
  });

  it('answers DML with one row, rows_changed', async () => {
    expect(await session.rows('UPDATE n SET n = 1')).toEqual([{ rows_changed: 3n }]);
    expect((await session.sql('UPDATE n SET n = 1')).numRows).toBe(1);
  });

  it('notices an answer that ends without its end-of-stream marker (I8)', async () => {
    await withNumbers(1, 2);
    await expect(session.sql('BROKEN FROM n')).rejects.toMatchObject({ code: 'invalid_arrow' });
    await expect(session.rows('BROKEN FROM n')).rejects.toMatchObject({ code: 'invalid_arrow' });
  });

  it('cancels the statement when its loop is left', async () => {
    await withNumbers(1, 2);
    for await (const batch of session.stream('SLOW')) {
      expect(batch.numRows).toBe(2);
      break;
    }
    await vi.waitFor(() => expect(served.gateway.stopped).toBe(1));
  });

  it('cancels the statement by a signal, as QueryCancelled with the reason as its cause', async () => {
    await withNumbers(1);
    const stop = new AbortController();
    const running = session.sql('SLOW', { signal: stop.signal });
    await vi.waitFor(() => expect(served.gateway.requests.at(-1)?.call).toBe('query'));
    const reason = new Error('the user left');
    stop.abort(reason);
    const error = await running.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(QueryCancelled);
    await vi.waitFor(() => expect(served.gateway.stopped).toBe(1));
    await expect(session.sql('FROM n', { signal: stop.signal })).rejects.toBeInstanceOf(QueryCancelled);
  });

  it('knows its tables without waiting', async () => {
    expect(() => session.tableRef('n')).toThrow(UnknownTable);
    expect(session.physicalTableId('n')).toBeUndefined();
    await withNumbers(1, 2);
    await session.createTableAs('copy', 'FROM n');
    expect(session.tableRef('copy')).toBe(`mutable.public."${session.physicalTableId('copy')}"`);
    expect((await session.tables()).map(({ name, rows }) => [name, rows])).toEqual([
      ['n', 2],
      ['copy', 2],
    ]);
    expect(await session.dropTable('n')).toEqual({ name: 'n', deleted_row_count: 2 });
    expect(session.physicalTableId('n')).toBeUndefined();
    const attached = acme.session(session.id);
    expect(attached.physicalTableId('copy')).toBeUndefined();
    await attached.refresh();
    expect(attached.physicalTableId('copy')).toBe(session.physicalTableId('copy'));
    await attached.dropTable('copy');
    await expect(session.countRows('copy')).rejects.toBeInstanceOf(UnknownTable);
    expect(session.physicalTableId('copy')).toBeUndefined();
  });

  it('refuses table names that can be none', async () => {
    await expect(session.createTable('x'.repeat(25), schema)).rejects.toBeInstanceOf(NameTooLong);
    for (const name of ['', '..', 'A', 'a b', 'table']) await expect(session.insert(name, [])).rejects.toBeInstanceOf(InvalidName);
  });

  it('closes once: the same record again, and everything after it is session_ended', async () => {
    await withNumbers(1, 2, 3);
    const { ended } = session;
    const record = await session.close();
    expect(record).toMatchObject({ event: 'closed', deleted_row_count: 3, details: { reason: 'close' } });
    expect(await session.close()).toEqual(record);
    expect(await session.forceClose()).toEqual(record);
    expect(await acme.session(session.id).close()).toEqual(record);
    expect(await ended).toEqual(record);
    expect(await session.ended).toEqual(record);
    expect(session.state).toBe('closed');
    expect(() => session.tableRef('n')).toThrow(UnknownTable);
    await expect(session.sql('FROM n')).rejects.toMatchObject({ code: 'session_ended', ended: record });
    expect(served.gateway.log).toHaveLength(2);
  });

  it('records a forced end as timed_out', async () => {
    expect(await session.forceClose()).toMatchObject({ event: 'timed_out', details: { reason: 'forced' } });
    expect(session.state).toBe('timed_out');
  });

  it('hears of an end that nobody asked for', async () => {
    const { ended } = session;
    const record = served.gateway.end(session.id, 'deadline');
    expect(await ended).toEqual(record);
    expect(session.state).toBe('timed_out');
    const attached = acme.session(session.id);
    expect(await attached.ended).toEqual(record);
    expect(attached.state).toBe('timed_out');
    await expect(acme.session(session.id).touch()).rejects.toBeInstanceOf(SessionEnded);
  });

  it('closes on disposal what the handle opened, as disposed, and leaves what it attached to', async () => {
    {
      await using attached = acme.session(session.id);
      await attached.refresh();
    }
    expect((await session.refresh()).state).toBe('active');
    let record: Promise<LifecycleRecord>;
    {
      await using opened = await acme.openSession();
      record = opened.ended;
    }
    expect((await record).details?.reason).toBe('disposed');
  });

  it('extends and touches, and knows the new deadline', async () => {
    await session.extend({ timeout: '2h' });
    expect(session.timeout).toBe(7_200_000);
    expect(await session.touch()).toBe(session);
    await session.cancel();
    expect(served.gateway.requests.at(-1)?.call).toBe('cancelStatement');
  });

  it('attaches without asking, and says so when it was not told yet', async () => {
    const attached = acme.session(session.id.toUpperCase());
    expect(attached.id).toBe(session.id);
    expect(() => attached.state).toThrow(/refresh/);
    expect((await attached.refresh()).expiresAt).toEqual(session.expiresAt);
    expect(() => acme.session('nonsense')).toThrow(InvalidRequest);
    await expect(served.mayfly.tenant('other').session(session.id).tables()).rejects.toBeInstanceOf(UnknownSession);
  });

  it('lists sessions, awaited or iterated, filtered and limited', async () => {
    for (let at = 0; at < 4; at += 1) await acme.openSession({ labels: { user: String(at) } });
    expect(await acme.sessions()).toHaveLength(5);
    expect(await acme.sessions({ limit: 2 })).toHaveLength(2);
    expect((await acme.sessions({ labels: { user: '42' }, state: 'active' })).map((view) => view.session_id)).toEqual([session.id]);
    const seen: string[] = [];
    for await (const view of acme.sessions()) seen.push(view.session_id);
    expect(new Set(seen).size).toBe(5);
    await expect(Promise.resolve(acme.sessions({ limit: 0 }))).rejects.toBeInstanceOf(InvalidRequest);
    expect(await served.mayfly.tenant('other').sessions()).toEqual([]);
  });

  it('closes all that match, and nothing without a filter', async () => {
    const { closed, failed } = await acme.closeSessions({ labels: { user: '42' } });
    expect(closed.map((record) => record.session_id)).toEqual([session.id]);
    expect(failed).toEqual([]);
    await expect(acme.closeSessions({})).rejects.toMatchObject({ code: 'invalid_request', field: 'labels' });
    await expect(acme.closeSessions({ labels: {} })).rejects.toBeInstanceOf(InvalidRequest);
  });

  it('replays and follows the lifecycle until the loop is left', async () => {
    await session.close();
    const events: [number, string][] = [];
    for await (const { offset, record } of acme.lifecycle({ from: 0 })) events.push([offset, record.event]);
    expect(events).toEqual([
      [0, 'opened'],
      [2, 'closed'],
    ]);
    const followed: string[] = [];
    for await (const { record } of acme.lifecycle({ from: 1, follow: true })) {
      followed.push(record.event);
      if (record.event === 'closed' && followed.length === 1) await acme.openSession();
      if (record.event === 'opened') break;
    }
    expect(followed).toEqual(['closed', 'opened']);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 20);
    for await (const _entry of acme.lifecycle({ from: 100, follow: true, signal: stop.signal }));
  });

  it('is closed for good by close', async () => {
    await served.mayfly.close();
    await served.mayfly.close({ drain: '1s' });
    expect(() => served.mayfly.tenant('acme')).toThrow(Unavailable);
  });

  it('types what it gives', () => {
    const calls = {
      sql: () => session.sql('q'),
      named: () => session.sql('t', 'q', { parameters: [1] }),
      rows: () => session.rows<{ id: bigint }>('q'),
      stream: () => session.stream('t', 'q'),
      // @ts-expect-error parameters come within the options, not alone
      wrong: () => session.sql('t', 'q', [1]),
    };
    expectTypeOf(calls.sql).returns.resolves.toEqualTypeOf<Table>();
    expectTypeOf(calls.named).returns.resolves.toEqualTypeOf<Table>();
    expectTypeOf(calls.rows).returns.resolves.toEqualTypeOf<{ id: bigint }[]>();
    expectTypeOf(calls.stream).returns.toExtend<AsyncIterable<RecordBatch>>();
    expectTypeOf<SessionHandle['ended']>().resolves.toEqualTypeOf<LifecycleRecord>();
    expectTypeOf<SessionHandle['insert']>().returns.resolves.toBeNumber();
    expectTypeOf<SessionHandle['physicalTableId']>().returns.toExtend<string | undefined>();
    expect(Object.keys(calls)).toHaveLength(5);
  });
});

async function* later<Item>(items: Iterable<Item>): AsyncGenerator<Item> {
  for (const item of items) {
    await Promise.resolve();
    yield item;
  }
}
