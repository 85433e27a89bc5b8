import { randomUUID } from 'node:crypto';
import { DuplicateTable, MayflyError, UnknownSession, UnknownTable } from '../../src/domain/errors.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import type { Gateway, LifecycleEntry, LifecycleQuery, SessionDetails, SessionView, TableView } from '../../src/domain/gateway.ts';
import type { SessionId } from '../../src/domain/ids.ts';
import type { LifecycleRecord } from '../../src/domain/lifecycle-record.ts';
import { parseLogicalName, physicalId, tableRef } from '../../src/domain/table-name.ts';
import type { Tenant } from '../../src/domain/tenant.ts';

interface Held {
  view: SessionView;
  readonly tables: Map<string, number>;
  ended?: LifecycleRecord;
}

/**
 * A gateway in memory behind the HTTP layer's tests: sessions, tables as byte counts, a log. A row is a byte here.
 * `statements` holds what its SQL may say; everything else is an error code, thrown as such.
 */
export class MemoryGateway {
  readonly held = new Map<SessionId, Held>();
  readonly log: LifecycleEntry[] = [];
  readonly runs: string[] = [];
  readonly aborted: string[] = [];
  /** A gate that holds back statements and closes while set. */
  gate: Promise<void> | undefined;
  private readonly woken = new Set<() => void>();

  find(tenant: Tenant, session: SessionId): Held {
    const held = this.held.get(session);
    if (held === undefined || held.view.tenant_id !== tenant) throw new UnknownSession('There is no such session');
    return held;
  }

  record(tenant: Tenant, session: SessionId, event: LifecycleRecord['event'], deleted = 0): LifecycleRecord {
    const record: LifecycleRecord = {
      session_id: session,
      tenant_id: tenant,
      event,
      occurred_at: new Date().toISOString(),
      ephemeral_table_count: this.held.get(session)?.tables.size ?? 0,
      deleted_row_count: deleted,
    };
    this.log.push({ offset: 2 * this.log.length + 1, record });
    for (const wake of this.woken) wake();
    return record;
  }

  end(tenant: Tenant, session: SessionId, event: 'closed' | 'timed_out'): LifecycleRecord {
    const held = this.find(tenant, session);
    held.ended ??= this.record(
      tenant,
      session,
      event,
      [...held.tables.values()].reduce((sum, rows) => sum + rows, 0),
    );
    held.view = { ...held.view, state: held.ended.event === 'timed_out' ? 'timed_out' : 'closed' };
    return held.ended;
  }

  table(session: SessionId, name: string, rows: number): TableView {
    const logical = parseLogicalName(name);
    return { name, physical_id: physicalId(session, logical), table_ref: tableRef(session, logical), rows };
  }

  details(tenant: Tenant, session: SessionId): SessionDetails {
    const held = this.find(tenant, session);
    const tables = [...held.tables].map(([name, rows]) => this.table(session, name, rows));
    return { ...held.view, tables, ...(held.ended === undefined ? {} : { ended: held.ended }) };
  }

  async *entries(tenant: Tenant, { from = 0, follow = false, session_id, signal }: LifecycleQuery): AsyncGenerator<LifecycleEntry> {
    let index = 0;
    for (;;) {
      if (signal?.aborted === true) return;
      for (; index < this.log.length; index += 1) {
        const entry = this.log[index];
        if (entry === undefined || entry.offset < from || entry.record.tenant_id !== tenant) continue;
        if (session_id === undefined || entry.record.session_id === session_id) yield entry;
      }
      if (!follow) return;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.woken.delete(wake);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        this.woken.add(wake);
        signal?.addEventListener('abort', wake);
        if (signal?.aborted === true || index < this.log.length) wake();
      });
    }
  }

  async *rows(count: number, failAfter: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    for (let each = 0; each < count; each += 1) {
      if (each === failAfter) throw new MayflyError('query_error', 'a late failure');
      if (signal?.aborted === true) {
        this.aborted.push('query');
        throw new MayflyError('query_cancelled', 'the client went away');
      }
      yield Buffer.alloc(64 * 1024, 'x');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

const bytesOf = async (body: AsyncIterable<Uint8Array>): Promise<number> => {
  let count = 0;
  for await (const chunk of body) count += chunk.byteLength;
  return count;
};

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** The memory gateway as the port the HTTP layer speaks to. */
export function gatewayOf(memory: MemoryGateway): Gateway {
  return {
    async openSession(tenant, request) {
      const id = randomUUID() as SessionId;
      const now = Date.now();
      const timeout = request.timeout_ms ?? 3_600_000;
      const view: SessionView = {
        session_id: id,
        tenant_id: tenant,
        state: 'active',
        created_at: new Date(now).toISOString(),
        expires_at: new Date(now + timeout).toISOString(),
        timeout_ms: timeout,
        idle_timeout_ms: null,
        labels: request.labels ?? {},
        node_id: 'n1',
      };
      memory.held.set(id, { view, tables: new Map() });
      memory.runs.push('open');
      await memory.gate;
      memory.record(tenant, id, 'opened');
      return view;
    },
    listSessions: async (tenant, { labels = {} }) => ({
      sessions: [...memory.held.values()]
        .map((held) => held.view)
        .filter((view) => view.tenant_id === tenant && Object.entries(labels).every(([key, value]) => view.labels[key] === value)),
      next_cursor: null,
    }),
    describeSession: async (tenant, session) => memory.details(tenant, session),
    async extendSession(tenant, session, { timeout_ms: timeoutMs }) {
      const held = memory.find(tenant, session);
      held.view = { ...held.view, timeout_ms: timeoutMs ?? held.view.timeout_ms };
      return held.view;
    },
    touchSession: async (tenant, session) => memory.find(tenant, session).view,
    cancelStatement: async (tenant, session) => void memory.find(tenant, session),
    async closeSession(tenant, session, reason) {
      memory.find(tenant, session);
      await memory.gate;
      return memory.end(tenant, session, reason === 'forced' ? 'timed_out' : 'closed');
    },
    async closeSessions(tenant, filter) {
      const { sessions } = await this.listSessions(tenant, filter);
      return { closed: sessions.map((view) => memory.end(tenant, view.session_id, 'closed')), failed: [] };
    },
    sessionEnded: async (tenant, session) => memory.end(tenant, session, 'closed'),
    async createTable(tenant, session, name, { source }) {
      const { tables } = memory.find(tenant, session);
      parseLogicalName(name);
      if (tables.has(name)) throw new DuplicateTable('There is one', { name });
      const rows = source.kind === 'arrow' ? await bytesOf(source.body) : 0;
      tables.set(name, rows);
      return memory.table(session, name, rows);
    },
    async describeTable(tenant, session, name) {
      const rows = memory.find(tenant, session).tables.get(parseLogicalName(name));
      if (rows === undefined) throw new UnknownTable('There is none', { name });
      return { ...memory.table(session, name, rows), columns: [], primary_key: [] };
    },
    async dropTable(tenant, session, name) {
      const { rows } = await this.describeTable(tenant, session, name);
      memory.find(tenant, session).tables.delete(name);
      return { name, deleted_row_count: rows };
    },
    async insertRows(tenant, session, name, _format, body, options) {
      const { tables } = memory.find(tenant, session);
      const before = tables.get(parseLogicalName(name));
      if (before === undefined) throw new UnknownTable('There is none', { name });
      options?.signal?.addEventListener('abort', () => memory.aborted.push('insert'));
      const rows = await bytesOf(body);
      memory.runs.push('insert');
      tables.set(name, before + rows);
      return { rows };
    },
    async query(tenant, session, { query }, format, options) {
      memory.find(tenant, session);
      memory.runs.push(query);
      options?.signal?.addEventListener('abort', () => memory.aborted.push('signal'));
      await memory.gate;
      const [verb = '', first = '', second = ''] = query.split(' ');
      if (verb === 'stream') return { format, body: memory.rows(Number(first), second === '' ? Infinity : Number(second), options?.signal) };
      if (verb === 'break') throw new TypeError('a secret of the inside');
      if (verb === 'fail') throw new MayflyError(first as ErrorCode, 'as asked', { limit: 7 });
      if (verb === 'change') return { format: 'json', body: once('{"rows_changed":3}') };
      return { format, body: once('{"columns":[],"rows":[]}') };
    },
    lifecycle: (tenant, query) => memory.entries(tenant, query),
  };
}
