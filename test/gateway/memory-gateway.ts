import { type RecordBatch, RecordBatchReader, Table, tableFromJSON, tableToIPC } from 'apache-arrow';
import { parseDuration } from '../../src/domain/duration.ts';
import {
  DuplicateTable,
  IdempotencyMismatch,
  InvalidArrow,
  InvalidRows,
  QueryCancelled,
  QueryError,
  SessionEnded,
  UnknownSession,
  UnknownTable,
} from '../../src/domain/errors.ts';
import type {
  ByteStream,
  CallOptions,
  ClosedSessions,
  CloseReason,
  CreateTableRequest,
  ExtendSessionRequest,
  Gateway,
  LifecycleEntry,
  LifecycleQuery,
  OpenSessionRequest,
  QueryAnswer,
  QueryRequest,
  RowFormat,
  SessionDetails,
  SessionFilter,
  SessionPage,
  SessionStanding,
  SessionView,
  TableDetails,
  TableView,
} from '../../src/domain/gateway.ts';
import { parseSessionId, type SessionId } from '../../src/domain/ids.ts';
import { eventOfReason, type LifecycleRecord } from '../../src/domain/lifecycle-record.ts';
import { parseLogicalName, physicalId, tableRef } from '../../src/domain/table-name.ts';
import type { Tenant } from '../../src/domain/tenant.ts';

interface Held {
  view: SessionView;
  readonly tables: Map<string, Table>;
  record?: LifecycleRecord;
}

/** The node that all its sessions are on. */
export const NODE = 'n1';

/**
 * A small Gateway that keeps Arrow tables in memory: it answers `FROM <table>` with the table, `SLOW` with batches until
 * it is told to stop, `BROKEN` with half an answer. What a client needs from a node, and no SQL.
 */
export class MemoryGateway implements Gateway {
  readonly sessions = new Map<SessionId, Held>();
  readonly log: LifecycleEntry[] = [];
  readonly requests: { readonly call: string; readonly body?: unknown; readonly key?: string | undefined }[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #keys = new Map<string, { body: string; view: SessionView }>();
  /** Statements that were stopped before their end. */
  stopped = 0;

  async openSession(tenant: Tenant, request: OpenSessionRequest, options: CallOptions = {}): Promise<SessionView> {
    this.requests.push({ call: 'openSession', body: request, key: options.idempotency_key });
    const key = options.idempotency_key;
    const same = key === undefined ? undefined : this.#keys.get(key);
    if (same !== undefined) {
      if (same.body !== JSON.stringify(request)) throw new IdempotencyMismatch('Another body');
      return same.view;
    }
    const session_id = parseSessionId(crypto.randomUUID());
    const timeout_ms = parseDuration(request.timeout ?? request.timeout_ms ?? '1h', 'timeout');
    const created = Date.now();
    const view: SessionView = {
      session_id,
      tenant_id: tenant,
      state: 'active',
      created_at: new Date(created).toISOString(),
      expires_at: new Date(created + timeout_ms).toISOString(),
      timeout_ms,
      idle_timeout_ms: request.idle_timeout === undefined ? null : parseDuration(request.idle_timeout, 'idle_timeout'),
      labels: request.labels ?? {},
      node_id: NODE,
    };
    this.sessions.set(session_id, { view, tables: new Map() });
    this.#append({ session_id, tenant_id: tenant, event: 'opened', occurred_at: view.created_at, ephemeral_table_count: 0, deleted_row_count: 0 });
    if (key !== undefined) this.#keys.set(key, { body: JSON.stringify(request), view });
    return view;
  }

  async listSessions(tenant: Tenant, filter: SessionFilter): Promise<SessionPage> {
    const { state, labels = {}, limit = 100, cursor = '0' } = filter;
    const all = [...this.sessions.values()]
      .map(({ view }) => view)
      .filter((view) => view.tenant_id === tenant && (state === undefined || view.state === state))
      .filter((view) => Object.entries(labels).every(([key, value]) => view.labels[key] === value));
    const from = Number(cursor);
    return { sessions: all.slice(from, from + limit), next_cursor: from + limit < all.length ? String(from + limit) : null };
  }

  standing(tenant: Tenant, session: SessionId): SessionStanding | undefined {
    const view = this.sessions.get(session)?.view;
    return view?.tenant_id === tenant ? view : undefined;
  }

  async describeSession(tenant: Tenant, session: SessionId): Promise<SessionDetails> {
    const held = this.#held(tenant, session);
    const tables = [...held.tables.keys()].map((name) => this.#table(session, name, held));
    return { ...held.view, tables, ...(held.record === undefined ? {} : { ended: held.record }) };
  }

  async extendSession(tenant: Tenant, session: SessionId, request: ExtendSessionRequest): Promise<SessionView> {
    const held = this.#live(tenant, session);
    const timeout = request.timeout ?? request.timeout_ms;
    if (timeout !== undefined) {
      const timeout_ms = parseDuration(timeout, 'timeout');
      held.view = { ...held.view, timeout_ms, expires_at: new Date(Date.parse(held.view.created_at) + timeout_ms).toISOString() };
    }
    return held.view;
  }

  async touchSession(tenant: Tenant, session: SessionId): Promise<SessionView> {
    return this.#live(tenant, session).view;
  }

  async cancelStatement(tenant: Tenant, session: SessionId): Promise<void> {
    this.#live(tenant, session);
    this.requests.push({ call: 'cancelStatement' });
  }

  async closeSession(tenant: Tenant, session: SessionId, reason: CloseReason): Promise<LifecycleRecord> {
    this.requests.push({ call: 'closeSession', body: reason });
    const held = this.#held(tenant, session);
    return held.record ?? this.end(session, reason);
  }

  /** Ends a session as a deadline or a caller would. */
  end(session: SessionId, reason: 'deadline' | CloseReason): LifecycleRecord {
    const held = this.sessions.get(session);
    if (held === undefined) throw new UnknownSession('There is no such session');
    const record: LifecycleRecord = {
      session_id: session,
      tenant_id: held.view.tenant_id,
      event: eventOfReason(reason),
      occurred_at: new Date().toISOString(),
      ephemeral_table_count: held.tables.size,
      deleted_row_count: [...held.tables.values()].reduce((rows, table) => rows + table.numRows, 0),
      details: { reason },
    };
    held.record = record;
    held.view = { ...held.view, state: record.event as 'closed' };
    held.tables.clear();
    this.#append(record);
    return record;
  }

  async closeSessions(tenant: Tenant, filter: SessionFilter): Promise<ClosedSessions> {
    const { sessions } = await this.listSessions(tenant, filter);
    return { closed: await Promise.all(sessions.map((view) => this.closeSession(tenant, view.session_id, 'close'))), failed: [] };
  }

  async sessionEnded(tenant: Tenant, session: SessionId, signal?: AbortSignal): Promise<LifecycleRecord> {
    for await (const { record } of this.lifecycle(tenant, { session_id: session, follow: true, ...(signal === undefined ? {} : { signal }) })) {
      if (record.event !== 'opened') return record;
    }
    throw new QueryCancelled('The wait was given up');
  }

  async createTable(tenant: Tenant, session: SessionId, name: string, { source, primary_key }: CreateTableRequest): Promise<TableView> {
    this.requests.push({ call: 'createTable', body: { kind: source.kind, primary_key } });
    const held = this.#live(tenant, session);
    if (held.tables.has(parseLogicalName(name))) throw new DuplicateTable(`There is a table ${name}`, { name });
    const empty: Table = new Table([]);
    const table = source.kind === 'arrow' ? await this.read('arrow', source.body) : source.kind === 'query' ? this.#from(source.query, held) : empty;
    held.tables.set(name, table);
    return this.#table(session, name, held);
  }

  async describeTable(tenant: Tenant, session: SessionId, name: string): Promise<TableDetails> {
    return { ...this.#table(session, name, this.#live(tenant, session)), columns: [], primary_key: [] };
  }

  async dropTable(tenant: Tenant, session: SessionId, name: string): Promise<{ name: string; deleted_row_count: number }> {
    const held = this.#live(tenant, session);
    const { rows } = this.#table(session, name, held);
    held.tables.delete(name);
    return { name, deleted_row_count: rows };
  }

  async insertRows(tenant: Tenant, session: SessionId, name: string, format: RowFormat, body: ByteStream): Promise<{ rows: number }> {
    const held = this.#live(tenant, session);
    this.#table(session, name, held);
    const added = await this.read(format, body);
    const table = held.tables.get(name) as Table;
    held.tables.set(name, table.numRows === 0 ? added : table.concat(added));
    return { rows: added.numRows };
  }

  async query(tenant: Tenant, session: SessionId, request: QueryRequest, format: RowFormat, options: CallOptions = {}): Promise<QueryAnswer> {
    this.requests.push({ call: 'query', body: request });
    const held = this.#live(tenant, session);
    if (request.query.startsWith('UPDATE')) return { format: 'json', body: once(new TextEncoder().encode('{"rows_changed":3}')) };
    const slow = request.query.startsWith('SLOW');
    const bytes = tableToIPC(this.#from(slow ? 'FROM n' : request.query.replace('BROKEN ', ''), held, request.table), 'stream');
    if (request.query.startsWith('BROKEN')) return { format, body: once(bytes.subarray(0, bytes.byteLength - 8)) };
    return { format, body: slow ? this.#endless(bytes.subarray(0, bytes.byteLength - 8), options.signal) : once(bytes) };
  }

  async *lifecycle(tenant: Tenant, { from = 0, follow = false, session_id, signal }: LifecycleQuery): AsyncGenerator<LifecycleEntry, void, undefined> {
    for (let at = 0; ;) {
      for (; at < this.log.length; at += 1) {
        const entry = this.log[at] as LifecycleEntry;
        const { record, offset } = entry;
        if (offset >= from && record.tenant_id === tenant && (session_id === undefined || record.session_id === session_id)) yield entry;
      }
      if (!follow || signal?.aborted === true) return;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#listeners.delete(wake);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        this.#listeners.add(wake);
        signal?.addEventListener('abort', wake, { once: true });
      });
    }
  }

  /** A body as the rows it stands for. */
  protected read(format: RowFormat, body: ByteStream): Promise<Table> {
    return format === 'arrow' ? tableOf(body) : rowTableOf(format, body);
  }

  #append(record: LifecycleRecord): void {
    this.log.push({ offset: this.log.length * 2, record });
    for (const wake of this.#listeners) wake();
  }

  #held(tenant: Tenant, session: SessionId): Held {
    const held = this.sessions.get(session);
    if (held === undefined || held.view.tenant_id !== tenant) throw new UnknownSession('There is no such session', { session_id: session });
    return held;
  }

  #live(tenant: Tenant, session: SessionId): Held {
    const held = this.#held(tenant, session);
    if (held.record !== undefined) throw new SessionEnded('The session has ended', { ended: held.record });
    return held;
  }

  #table(session: SessionId, name: string, held: Held): TableView {
    const logical = parseLogicalName(name);
    const table = held.tables.get(logical);
    if (table === undefined) throw new UnknownTable(`There is no table ${name}`, { name });
    return { name, physical_id: physicalId(session, logical), table_ref: tableRef(session, logical), rows: table.numRows };
  }

  #from(query: string, held: Held, called?: string): Table {
    const name = /FROM \{?(\w+)\}?/.exec(query)?.[1];
    const table = name === undefined ? undefined : held.tables.get(name === 'table' ? (called ?? '') : name);
    if (table === undefined) throw new QueryError(`No table is named in ${query}`);
    return table;
  }

  async *#endless(start: Uint8Array, signal: AbortSignal | undefined): ByteStream {
    try {
      yield start;
      const stopped = new Promise<never>((_resolve, reject) => {
        const stop = (): void => reject(new QueryCancelled('The statement was cancelled'));
        if (signal?.aborted === true) stop();
        signal?.addEventListener('abort', stop, { once: true });
      });
      await stopped;
    } finally {
      this.stopped += 1;
    }
  }
}

async function* once(bytes: Uint8Array): ByteStream {
  yield bytes;
}

async function bytesOf(body: ByteStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function tableOf(body: ByteStream): Promise<Table> {
  const bytes = await bytesOf(body);
  const tail = Buffer.from(bytes.buffer, bytes.byteOffset + bytes.byteLength - 8, 8);
  if (tail.readBigUInt64LE() !== 0xffffffffn) throw new InvalidArrow('There is no end-of-stream marker');
  const reader = RecordBatchReader.from(bytes);
  const batches: RecordBatch[] = [...reader];
  return new Table(reader.schema, batches);
}

async function rowTableOf(format: RowFormat, body: ByteStream): Promise<Table> {
  const text = new TextDecoder().decode(await bytesOf(body));
  try {
    return tableFromJSON(JSON.parse(format === 'json' ? text : `[${text.trim().split('\n').join()}]`) as Record<string, unknown>[]);
  } catch (cause) {
    throw new InvalidRows('Neither a JSON array of objects nor lines of them', {}, { cause });
  }
}
