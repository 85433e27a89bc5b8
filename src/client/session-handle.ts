import type { RecordBatch, Schema, Table } from 'apache-arrow';
import type { DurationInput } from '../domain/duration.ts';
import { QueryCancelled, UnknownTable } from '../domain/errors.ts';
import type { CallOptions, QueryAnswer, SessionState, TableDetails, TableSource, TableView } from '../domain/gateway.ts';
import type { SessionId } from '../domain/ids.ts';
import type { LifecycleRecord } from '../domain/lifecycle-record.ts';
import { parseLogicalName, physicalId, tableRef, type LogicalName, type PhysicalId } from '../domain/table-name.ts';
import { batchesOfAnswer, tableOfAnswer } from './answer.ts';
import { CallScope } from './call-scope.ts';
import type { CollectionGuard } from './collection-guard.ts';
import { assertKnown } from './known-options.ts';
import { insertBody, type InsertData } from './insert-body.ts';
import { rowsOfBatch } from './row-values.ts';
import type { SessionMemory } from './session-memory.ts';
import { extendRequest, sqlCall, type SqlCall, type SqlOptions } from './session-requests.ts';
import { emptyTableSource, tableRequest, type ColumnsSpec } from './table-source.ts';
import type { TenantGateway } from './tenant-gateway.ts';

export interface CreateTableOptions {
  readonly primaryKey?: readonly string[];
  readonly signal?: AbortSignal;
  /** Same key and same call: done once. For a remote node, whose answer can be lost on the way. */
  readonly idempotencyKey?: string;
}

export interface WorkOptions {
  readonly signal?: AbortSignal;
  /** Same key and same call: done once. For a remote node, whose answer can be lost on the way. */
  readonly idempotencyKey?: string;
}

/** One throwaway workspace. Every call rejects with a `MayflyError`; a source that throws rejects with its own error. */
export class SessionHandle {
  readonly id: SessionId;
  readonly #gateway: TenantGateway;
  readonly #memory: SessionMemory;
  readonly #guard: CollectionGuard | undefined;

  constructor(gateway: TenantGateway, memory: SessionMemory, guard?: CollectionGuard) {
    this.id = memory.id;
    this.#gateway = gateway;
    this.#memory = memory;
    this.#guard = guard;
    if (guard === undefined) return;
    guard.watch(this, { gateway, session: memory.id });
    // In this process the end costs nothing to hear of, and `state` is then true without asking.
    memory.ended(() => gateway.sessionEnded(memory.id)).catch(() => undefined);
  }

  get tenant(): string {
    return this.#memory.tenant;
  }

  get createdAt(): Date {
    return new Date(this.#memory.view.created_at);
  }

  /** Hard lifetime from creation, in ms; null when there is none. */
  get timeout(): number | null {
    return this.#memory.view.timeout_ms;
  }

  /** The deadline, or null; moved by `extend`. */
  get expiresAt(): Date | null {
    const at = this.#memory.view.expires_at;
    return at === null ? null : new Date(at);
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#memory.view.labels;
  }

  /** Whether the deadline has passed at `now` (a Date or ms since 1970; this machine's clock by default). */
  isExpired(now: Date | number = Date.now()): boolean {
    const at = this.expiresAt;
    return at !== null && Number(now) >= at.getTime();
  }

  /** The state this handle saw last: always true in an embedded node, else as of its last call. */
  get state(): SessionState {
    return this.#memory.state;
  }

  /** Resolves with the terminal record when the session ends by whatever cause. Waits from the first look on. */
  get ended(): Promise<LifecycleRecord> {
    const { id } = this;
    const gateway = this.#gateway;
    return this.#memory.ended(() => gateway.sessionEnded(id));
  }

  /** Asks the node for the session as it is now; does not count as use. */
  async refresh(): Promise<this> {
    await this.tables();
    return this;
  }

  /** Makes an empty table. An Arrow schema of any copy of `apache-arrow` will do. */
  async createTable(name: string, columns: Schema | ColumnsSpec | object, options: CreateTableOptions = {}): Promise<TableView> {
    return this.#create(name, emptyTableSource(columns), options);
  }

  /** Makes a table of a query's rows. */
  async createTableAs(name: string, query: string, options: CreateTableOptions = {}): Promise<TableView> {
    return this.#create(name, { kind: 'query', query }, options);
  }

  async #create(name: string, source: TableSource, options: CreateTableOptions): Promise<TableView> {
    const logical = parseLogicalName(name);
    assertKnown(options, ['primaryKey', 'signal', 'idempotencyKey']);
    const request = tableRequest(source, options.primaryKey);
    const view = await this.#work(options, (call) => this.#gateway.createTable(this.id, logical, request, call));
    this.#memory.sawTable(logical);
    return view;
  }

  /** Drops a table; answers how many rows went with it. */
  async dropTable(name: string, options: WorkOptions = {}): Promise<{ name: string; deleted_row_count: number }> {
    const logical = parseLogicalName(name);
    assertKnown(options, ['signal', 'idempotencyKey']);
    const dropped = await this.#work(options, (call) => this.#gateway.dropTable(this.id, logical, call), logical);
    this.#memory.forgetTable(logical);
    return dropped;
  }

  /** The session's tables with their rows; brings `tableRef` and `state` up to date. */
  async tables(): Promise<readonly TableView[]> {
    return this.#memory.sawDetails(await this.#watch(this.#gateway.describeSession(this.id)));
  }

  async describeTable(name: string): Promise<TableDetails> {
    const logical = parseLogicalName(name);
    const details = await this.#watch(this.#gateway.describeTable(this.id, logical), logical);
    this.#memory.sawTable(logical);
    return details;
  }

  /** Rows in the table now. */
  async countRows(name: string): Promise<number> {
    return (await this.describeTable(name)).rows;
  }

  /**
   * The table's name for SQL of this session, `mutable.public."..."`. Known are the tables this handle made, used or listed.
   * @throws UnknownTable when this handle knows of no such table (`await session.tables()` looks again)
   */
  tableRef(name: string): string {
    if (!this.#memory.has(name)) {
      throw new UnknownTable(`The session has no table "${name}" that this handle knows of: create it, or \`await session.tables()\` to look again`, { name });
    }
    return tableRef(this.id, name as LogicalName);
  }

  /** The table's id over all sessions, or undefined where `tableRef` would throw. */
  physicalTableId(name: string): PhysicalId | undefined {
    return this.#memory.has(name) ? physicalId(this.id, name as LogicalName) : undefined;
  }

  /**
   * Inserts all or nothing (I8): a Table, a RecordBatch, a (possibly async) iterable of batches, row objects, or a
   * (possibly async) iterable of them. Iterables are read as fast as the node takes them and never gathered.
   * @returns rows inserted
   */
  async insert(name: string, data: InsertData, options: WorkOptions = {}): Promise<number> {
    const logical = parseLogicalName(name);
    assertKnown(options, ['signal', 'idempotencyKey']);
    const source = await insertBody(data);
    try {
      const answer = await this.#work(options, (call) => this.#gateway.insertRows(this.id, logical, source.format, source.body, call), logical);
      this.#memory.sawTable(logical);
      return answer.rows;
    } catch (error) {
      throw source.failure() ?? error;
    } finally {
      source.dispose();
    }
  }

  /** The whole result as an apache-arrow Table; DML without RETURNING gives one row, `rows_changed`. */
  async sql(query: string, options?: SqlOptions): Promise<Table>;
  async sql(table: string, query: string, options?: SqlOptions): Promise<Table>;
  async sql(first: string, second?: string | SqlOptions, third?: SqlOptions): Promise<Table> {
    const call = sqlCall(first, second, third);
    const scope = new CallScope(call.signal);
    try {
      return await tableOfAnswer(await this.#query(call, scope));
    } catch (error) {
      throw this.#failure(error, scope, call.request.table);
    } finally {
      scope.end();
    }
  }

  /** The result batch by batch; leaving the loop cancels the statement. A cut result throws, it never just ends (I8). */
  stream(query: string, options?: SqlOptions): AsyncGenerator<RecordBatch, void, undefined>;
  stream(table: string, query: string, options?: SqlOptions): AsyncGenerator<RecordBatch, void, undefined>;
  async *stream(first: string, second?: string | SqlOptions, third?: SqlOptions): AsyncGenerator<RecordBatch, void, undefined> {
    const call = sqlCall(first, second, third);
    const scope = new CallScope(call.signal);
    try {
      yield* batchesOfAnswer(await this.#query(call, scope));
      scope.end();
    } catch (error) {
      throw this.#failure(error, scope, call.request.table);
    } finally {
      scope.cancel();
    }
  }

  /** The whole result as plain objects: see `rowsOfBatch` for how each Arrow type reads. */
  async rows<Row extends object = Record<string, unknown>>(query: string, options?: SqlOptions): Promise<Row[]>;
  async rows<Row extends object = Record<string, unknown>>(table: string, query: string, options?: SqlOptions): Promise<Row[]>;
  async rows<Row extends object = Record<string, unknown>>(first: string, second?: string | SqlOptions, third?: SqlOptions): Promise<Row[]> {
    const batches = typeof second === 'string' ? this.stream(first, second, third) : this.stream(first, second);
    const rows: Row[] = [];
    for await (const batch of batches) {
      for (const row of rowsOfBatch(batch)) rows.push(row as Row);
    }
    return rows;
  }

  /** Moves the deadline (`timeout` counts from creation) or the idle timeout. */
  async extend(options: { readonly timeout?: DurationInput; readonly idleTimeout?: DurationInput }): Promise<this> {
    assertKnown(options, ['timeout', 'idleTimeout']);
    this.#memory.saw(await this.#watch(this.#gateway.extendSession(this.id, extendRequest(options))));
    return this;
  }

  /** Counts as use: pushes the idle deadline. */
  async touch(): Promise<this> {
    this.#memory.saw(await this.#watch(this.#gateway.touchSession(this.id)));
    return this;
  }

  /** Interrupts the running statement, which rejects with `QueryCancelled`. */
  async cancel(): Promise<void> {
    await this.#watch(this.#gateway.cancelStatement(this.id));
  }

  /** Deletes the session; answers its terminal record, whichever event that is. Again: the same record. */
  async close(): Promise<LifecycleRecord> {
    return this.#end('close');
  }

  /** The same deletion, recorded as `timed_out` (reason `forced`). */
  async forceClose(): Promise<LifecycleRecord> {
    return this.#end('forced');
  }

  /** Closes the session with reason `disposed`, when this handle opened it; an attached handle leaves it open. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#memory.opener) await this.#end('disposed');
  }

  async #end(reason: 'close' | 'forced' | 'disposed'): Promise<LifecycleRecord> {
    const record = this.#memory.record ?? (await this.#watch(this.#gateway.closeSession(this.id, reason)));
    this.#memory.end(record);
    this.#guard?.release(this);
    return record;
  }

  async #query({ request }: SqlCall, scope: CallScope): Promise<QueryAnswer> {
    scope.signal.throwIfAborted();
    return this.#gateway.query(this.id, request, 'arrow', { signal: scope.signal });
  }

  /** Runs work that `signal` can abort, and learns from how it ends. */
  async #work<Answer>(options: WorkOptions, run: (call: CallOptions) => Promise<Answer>, table?: string): Promise<Answer> {
    const scope = new CallScope(options.signal);
    try {
      scope.signal.throwIfAborted();
      return await run({ signal: scope.signal, ...(options.idempotencyKey === undefined ? {} : { idempotency_key: options.idempotencyKey }) });
    } catch (error) {
      throw this.#failure(error, scope, table);
    } finally {
      scope.end();
    }
  }

  async #watch<Answer>(answer: Promise<Answer>, table?: string): Promise<Answer> {
    try {
      return await answer;
    } catch (error) {
      this.#memory.sawError(error, table);
      throw error;
    }
  }

  /** What the caller sees of a failure: an abort of their own is `QueryCancelled`, however the way in between put it. */
  #failure(error: unknown, scope: CallScope, table: string | undefined): unknown {
    this.#memory.sawError(error, table);
    if (!scope.aborted || error instanceof QueryCancelled) return error;
    return new QueryCancelled('The call was cancelled by its signal', {}, { cause: scope.signal.reason ?? error });
  }
}
