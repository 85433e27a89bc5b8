import { InvalidRequest, MayflyError, Unavailable } from '../domain/errors.ts';
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
  SessionView,
  TableDetails,
  TableView,
} from '../domain/gateway.ts';
import type { SessionId } from '../domain/ids.ts';
import { isTerminal, type LifecycleRecord } from '../domain/lifecycle-record.ts';
import { ROW_MEDIA_TYPES, rowFormatOf } from '../domain/row-format.ts';
import type { Tenant } from '../domain/tenant.ts';
import { linesOf } from './http-body.ts';
import { HttpCaller, type HttpCallerOptions, type HttpRequest } from './http-caller.ts';
import type { TokenGateway } from './tenant-gateway.ts';

const { arrow: ARROW, ndjson: NDJSON } = ROW_MEDIA_TYPES;
/** Between two looks at a session that takes long to close. */
const CLOSE_POLL_MS = 1_000;
const CLOSE_POLLS_MAX = 900;
/** Before a follower that was cut off follows on. */
const FOLLOW_AGAIN_MS = 250;

type MaybeTenant = Tenant | undefined;

/** A remote node or cluster behind the one interface of section 2 of the contract. The tenant may be left to the token. */
export class HttpGateway implements Gateway, TokenGateway {
  readonly #caller: HttpCaller;

  constructor(url: string | URL, options: HttpCallerOptions = {}) {
    this.#caller = new HttpCaller(url, options);
  }

  /** Lets go of every connection; calls under way reject with `Unavailable`. */
  close(): void {
    this.#caller.close();
  }

  openSession(tenant: MaybeTenant, request: OpenSessionRequest, options: CallOptions = {}): Promise<SessionView> {
    return this.#json({ method: 'POST', path: '/v1/sessions', tenant, json: request, ...this.#keyed(options) });
  }

  listSessions(tenant: MaybeTenant, filter: SessionFilter): Promise<SessionPage> {
    return this.#json({ method: 'GET', path: '/v1/sessions', tenant, query: filterQuery(filter) });
  }

  describeSession(tenant: MaybeTenant, session: SessionId): Promise<SessionDetails> {
    return this.#json({ method: 'GET', path: sessionPath(session), tenant });
  }

  extendSession(tenant: MaybeTenant, session: SessionId, request: ExtendSessionRequest): Promise<SessionView> {
    return this.#json({ method: 'PATCH', path: sessionPath(session), tenant, json: request, ...this.#keyed({}) });
  }

  touchSession(tenant: MaybeTenant, session: SessionId): Promise<SessionView> {
    return this.#json({ method: 'POST', path: `${sessionPath(session)}/touch`, tenant, ...this.#keyed({}) });
  }

  async cancelStatement(tenant: MaybeTenant, session: SessionId): Promise<void> {
    // Without a key, so never repeated: a second cancel could meet the next statement.
    const exchange = await this.#caller.call({ method: 'POST', path: `${sessionPath(session)}/cancel`, tenant });
    await exchange.discard();
  }

  async closeSession(tenant: MaybeTenant, session: SessionId, reason: CloseReason): Promise<LifecycleRecord> {
    const path = sessionPath(session);
    const query: [string, string][] = reason === 'forced' ? [['as', 'timed_out']] : reason === 'disposed' ? [['reason', 'disposed']] : [];
    const exchange = await this.#caller.call({ method: 'DELETE', path, tenant, query });
    if (exchange.response.status !== 202) return (await exchange.json()) as LifecycleRecord;
    await exchange.discard();
    return this.#awaitClose(tenant, session, this.#caller.pathOf(exchange.response.headers.get('location'), path));
  }

  closeSessions(tenant: MaybeTenant, filter: SessionFilter): Promise<ClosedSessions> {
    return this.#json({ method: 'DELETE', path: '/v1/sessions', tenant, query: filterQuery(filter) });
  }

  async sessionEnded(tenant: MaybeTenant, session: SessionId, signal?: AbortSignal): Promise<LifecycleRecord> {
    const { ended } = await this.describeSession(tenant, session);
    if (ended !== undefined) return ended;
    for await (const { record } of this.lifecycle(tenant, { session_id: session, follow: true, ...(signal === undefined ? {} : { signal }) })) {
      if (isTerminal(record)) return record;
    }
    throw new Unavailable('The wait for the end of the session was given up', {}, { cause: signal?.reason });
  }

  createTable(tenant: MaybeTenant, session: SessionId, name: string, request: CreateTableRequest, options: CallOptions = {}): Promise<TableView> {
    const { source, primary_key } = request;
    const call = { method: 'PUT', path: tablePath(session, name), tenant, ...this.#keyed(options) } as const;
    if (source.kind === 'arrow') {
      return this.#json({ ...call, query: primaryKeyQuery(primary_key), body: { type: ARROW, bytes: source.body } });
    }
    const made = source.kind === 'columns' ? { columns: source.columns } : { query: source.query };
    return this.#json({ ...call, json: { ...made, ...(primary_key === undefined ? {} : { primary_key }) } });
  }

  describeTable(tenant: MaybeTenant, session: SessionId, name: string): Promise<TableDetails> {
    return this.#json({ method: 'GET', path: tablePath(session, name), tenant });
  }

  dropTable(tenant: MaybeTenant, session: SessionId, name: string, options: CallOptions = {}): Promise<{ name: string; deleted_row_count: number }> {
    return this.#json({ method: 'DELETE', path: tablePath(session, name), tenant, signal: options.signal });
  }

  insertRows(tenant: MaybeTenant, session: SessionId, name: string, format: RowFormat, body: ByteStream, options: CallOptions = {}): Promise<{ rows: number }> {
    const type = ROW_MEDIA_TYPES[format];
    const { signal, idempotency_key: key } = options;
    return this.#json({ method: 'POST', path: `${tablePath(session, name)}/rows`, tenant, body: { type, bytes: body }, key, signal });
  }

  async query(tenant: MaybeTenant, session: SessionId, request: QueryRequest, format: RowFormat, options: CallOptions = {}): Promise<QueryAnswer> {
    const { signal, idempotency_key: key } = options;
    const accept = ROW_MEDIA_TYPES[format];
    const exchange = await this.#caller.call({ method: 'POST', path: `${sessionPath(session)}/sql`, tenant, json: request, accept, key, signal });
    return { format: rowFormatOf(exchange.response.headers.get('content-type')) ?? 'json', body: exchange.bytes() };
  }

  /** A follower that was cut off follows on behind the last entry it saw, as long as the node can be reached. */
  async *lifecycle(tenant: MaybeTenant, query: LifecycleQuery): AsyncGenerator<LifecycleEntry, void, undefined> {
    const { follow = false, session_id, signal } = query;
    let from = query.from ?? 0;
    for (;;) {
      const parameters: [string, string][] = [['from', String(from)]];
      if (follow) parameters.push(['follow', '1']);
      if (session_id !== undefined) parameters.push(['session_id', session_id]);
      try {
        const exchange = await this.#caller.call({ method: 'GET', path: '/v1/lifecycle', tenant, query: parameters, accept: NDJSON, signal });
        try {
          for await (const line of linesOf(exchange.bytes())) {
            const entry = JSON.parse(line) as LifecycleEntry;
            from = entry.offset + 1;
            yield entry;
          }
        } catch (error) {
          // Only a stream that had begun is taken up again here: the call itself has had its tries.
          if (!follow || !(error instanceof MayflyError) || !error.retryable) throw error;
        }
      } catch (error) {
        if (signal?.aborted === true) return;
        throw error;
      }
      if (!follow || signal?.aborted === true) return;
      await this.#caller.pause(FOLLOW_AGAIN_MS, signal);
    }
  }

  /** After 202: looks until the session has its record, or can be asked for what went wrong. */
  async #awaitClose(tenant: MaybeTenant, session: SessionId, path: string): Promise<LifecycleRecord> {
    for (let poll = 0; poll < CLOSE_POLLS_MAX; poll += 1) {
      await this.#caller.pause(CLOSE_POLL_MS);
      const details = await this.#json<SessionDetails>({ method: 'GET', path, tenant });
      if (details.ended !== undefined) return details.ended;
      if (details.state === 'partial_failure') return this.closeSession(tenant, session, 'close');
    }
    throw new Unavailable('The session is still closing: close it again to go on waiting', { session_id: session });
  }

  #keyed({ signal, idempotency_key }: CallOptions): { key: string; signal: AbortSignal | undefined } {
    return { key: idempotency_key ?? this.#caller.newKey(), signal };
  }

  async #json<Answer>(request: HttpRequest): Promise<Answer> {
    return (await (await this.#caller.call(request)).json()) as Answer;
  }
}

function sessionPath(session: SessionId): string {
  return `/v1/sessions/${encodeURIComponent(session)}`;
}

function tablePath(session: SessionId, name: string): string {
  return `${sessionPath(session)}/tables/${encodeURIComponent(name)}`;
}

function primaryKeyQuery(key: readonly string[] | undefined): [string, string][] {
  if (key === undefined) return [];
  if (key.some((column) => column.includes(','))) {
    throw new InvalidRequest('A key column whose name holds a comma cannot be sent with Arrow: create the table from { columns } instead', {
      field: 'primary_key',
    });
  }
  return [['primary_key', key.join(',')]];
}

function filterQuery({ state, labels, limit, cursor }: SessionFilter): [string, string][] {
  const query: [string, string][] = Object.entries(labels ?? {}).map(([key, value]) => ['label', `${key}:${value}`]);
  if (state !== undefined) query.push(['state', state]);
  if (limit !== undefined) query.push(['limit', String(limit)]);
  if (cursor !== undefined) query.push(['cursor', cursor]);
  return query;
}
