import { heldStream } from '../../actors/held-stream.ts';
import type { StreamEnd } from '../../actors/held-stream.ts';
import { SessionActor } from '../../actors/session-actor.ts';
import { sessionEnded } from '../../actors/session-standing.ts';
import type { SessionPorts } from '../../actors/session-ports.ts';
import { parseDuration } from '../domain/duration.ts';
import {
  InvalidRequest,
  NodeDraining,
  PartialDeletionFailure,
  QuotaExceeded,
  Unavailable,
  UnknownSession,
  UnknownTable,
  asMayflyError,
} from '../domain/errors.ts';
import type * as gateway from '../domain/gateway.ts';
import type { IdSource, SessionId } from '../domain/ids.ts';
import { isTerminal } from '../domain/lifecycle-record.ts';
import type { LifecycleRecord } from '../domain/lifecycle-record.ts';
import { parseLogicalName, physicalId, tableRef } from '../domain/table-name.ts';
import type { LogicalName } from '../domain/table-name.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Metrics, StatementOutcome } from '../ports/metrics.ts';
import type { Holder, TableCount } from '../ports/lease-store.ts';
import type { ChainEntry } from '../ports/lifecycle-log.ts';
import type { PeerCalls } from './peer-calls.ts';
import type { KnownSession, LivingSession, SessionDirectory } from './session-directory.ts';
import { SessionListing } from './session-listing.ts';
import { fieldOf, parseLabels, parseLifetime } from './session-request.ts';
import type { LifetimeBounds } from './session-request.ts';

export interface RouterOptions {
  readonly ports: SessionPorts;
  readonly directory: SessionDirectory;
  readonly ids: IdSource;
  readonly lifetime: LifetimeBounds;
  readonly sessionsMax: number;
  /** null: as many as the node takes. */
  readonly sessionsPerTenantMax: number | null;
  /** The other nodes of the cluster, for calls on many sessions. */
  readonly peers: () => Promise<readonly PeerCalls[]>;
  /** Nodes out of reach whose sessions nobody has begun to end. */
  readonly missing: () => readonly Holder[];
  readonly metrics: Pick<Metrics, 'sessionOpened' | 'openSessions' | 'statement'>;
  /** Why no session may be opened now; undefined while the node serves. */
  readonly intake: () => 'starting' | 'fenced' | 'draining' | 'stopped' | 'cut off from the lifecycle log' | undefined;
}

/** How long rows may take to arrive and to be stored, in ms: bound by the caller's network, not by a statement's work. */
const UPLOAD_TIMEOUT_MS = 15 * 60_000;

/** Leads every call to the session it is for: those of this node are here, those that ended are in the log. */
export class Router implements gateway.Gateway {
  readonly #options: RouterOptions;
  readonly #listing: SessionListing;

  constructor(options: RouterOptions) {
    this.#options = options;
    const { directory, peers, missing } = options;
    this.#listing = new SessionListing({ directory, peers, missing, view: (known) => this.#view(known) });
  }

  async openSession(tenant: Tenant, request: gateway.OpenSessionRequest): Promise<gateway.SessionView> {
    const { ports, directory, ids, lifetime, metrics } = this.#options;
    const labels = parseLabels(request.labels);
    const standing = { timeoutMs: lifetime.timeoutMs, idleTimeoutMs: null };
    const times = { createdAtMs: ports.clock.wallMs(), ...parseLifetime(request, standing, lifetime) };
    this.#admit(tenant);
    const session = ids.sessionId();
    const actor = SessionActor.open(ports, { tenant, session }, times);
    // From here on it counts against the quotas, so that a burst cannot pass them, and a drain waits for it.
    const known = directory.add({ tenant, session, labels, actor });
    await actor.opened();
    metrics.sessionOpened();
    metrics.openSessions(directory.liveCount);
    return this.#view(known);
  }

  listSessions(tenant: Tenant, filter: gateway.SessionFilter): Promise<gateway.SessionPage> {
    return this.#listing.page(tenant, filter);
  }

  /** As far as this node knows without asking anyone; undefined for a session that is not the tenant's, too (I7). */
  standing(tenant: Tenant, session: SessionId): gateway.SessionStanding | undefined {
    const known = this.#options.directory.find(tenant, session);
    return known === undefined ? undefined : this.#standing(known);
  }

  async describeSession(tenant: Tenant, session: SessionId): Promise<gateway.SessionDetails> {
    const known = this.#options.directory.find(tenant, session);
    if (known === undefined) return this.#describeLogged(tenant, session);
    const tables = known.ended === undefined ? known.actor.tables.map((count) => tableView(session, count)) : [];
    return { ...this.#view(known), tables, ...(known.ended === undefined ? {} : { ended: known.ended }) };
  }

  async extendSession(tenant: Tenant, session: SessionId, request: gateway.ExtendSessionRequest): Promise<gateway.SessionView> {
    const known = await this.#living(tenant, session);
    const lifetime = parseLifetime(request, known.actor.times, this.#options.lifetime);
    if (lifetime.timeoutMs !== null && lifetime.timeoutMs <= known.actor.ageMs()) {
      const field = fieldOf(request, 'timeout');
      throw new InvalidRequest(`"${field}" counts from creation, and that long has passed already; close the session instead`, { field });
    }
    known.actor.extend(lifetime);
    return this.#view(known);
  }

  async touchSession(tenant: Tenant, session: SessionId): Promise<gateway.SessionView> {
    const known = await this.#living(tenant, session);
    known.actor.touch();
    return this.#view(known);
  }

  async cancelStatement(tenant: Tenant, session: SessionId): Promise<void> {
    await (await this.#living(tenant, session)).actor.cancel();
  }

  async closeSession(tenant: Tenant, session: SessionId, reason: gateway.CloseReason): Promise<LifecycleRecord> {
    const known = this.#options.directory.find(tenant, session);
    if (known !== undefined) return known.ended === undefined ? known.actor.close(reason) : known.ended;
    return (await this.#logged(tenant, session)).record;
  }

  closeSessions(tenant: Tenant, filter: gateway.SessionFilter): Promise<gateway.ClosedSessions> {
    return this.#listing.close(tenant, filter);
  }

  async sessionEnded(tenant: Tenant, session: SessionId, signal?: AbortSignal): Promise<LifecycleRecord> {
    const known = this.#options.directory.find(tenant, session);
    if (known === undefined) return (await this.#logged(tenant, session)).record;
    if (known.ended !== undefined) return known.ended;
    if (signal === undefined) return known.actor.ended;
    return Promise.race([known.actor.ended, aborted(signal)]);
  }

  async createTable(
    tenant: Tenant,
    session: SessionId,
    name: string,
    request: gateway.CreateTableRequest,
    options: gateway.CallOptions = {},
  ): Promise<gateway.TableView> {
    const logical = parseLogicalName(name);
    const { actor } = await this.#living(tenant, session);
    const timeoutMs = request.source.kind === 'arrow' ? UPLOAD_TIMEOUT_MS : this.#options.ports.limits.statementTimeoutMs;
    const { rows } = await actor.work({ ...options, timeoutMs }, (slot, work) => slot.createTable(logical, request.source, request.primary_key ?? [], work));
    return tableView(session, { name: logical, rows });
  }

  async describeTable(tenant: Tenant, session: SessionId, name: string): Promise<gateway.TableDetails> {
    const logical = parseLogicalName(name);
    const { actor } = await this.#living(tenant, session);
    const found = await actor.work({}, (slot, work) => slot.describeTable(logical, work));
    return { ...tableView(session, found), columns: found.columns, primary_key: found.primaryKey };
  }

  async dropTable(tenant: Tenant, session: SessionId, name: string, options: gateway.CallOptions = {}): Promise<{ name: string; deleted_row_count: number }> {
    const logical = parseLogicalName(name);
    const { actor } = await this.#living(tenant, session);
    const rows = await actor.work(options, async (slot, work) => {
      // A drop moves the table's rows to the dropped ones: the sum a record would claim stays what it was.
      const dropped = await slot.dropTable(logical, { ...work, noteCount: () => Promise.resolve() });
      await actor.noteDropped({ name: logical, rows: dropped.rows });
      return dropped.rows;
    });
    return { name: logical, deleted_row_count: rows };
  }

  async insertRows(
    tenant: Tenant,
    session: SessionId,
    name: string,
    format: gateway.RowFormat,
    body: gateway.ByteStream,
    options: gateway.CallOptions = {},
  ): Promise<{ rows: number }> {
    const logical = parseLogicalName(name);
    const { actor } = await this.#living(tenant, session);
    return actor.work({ ...options, timeoutMs: UPLOAD_TIMEOUT_MS }, (slot, work) => slot.insert(logical, format, body, work));
  }

  async query(
    tenant: Tenant,
    session: SessionId,
    request: gateway.QueryRequest,
    format: gateway.RowFormat,
    options: gateway.CallOptions = {},
  ): Promise<gateway.QueryAnswer> {
    const table = request.table === undefined ? undefined : parseLogicalName(request.table);
    const timeoutMs = this.#statementTimeout(request);
    const { actor } = await this.#living(tenant, session);
    if (table !== undefined) assertTable(actor, table);
    const { ports } = this.#options;
    const work = await actor.begin({ ...options, timeoutMs });
    const beganMs = ports.clock.monotonicMs();
    const finish = (end: StreamEnd): Promise<Error> | undefined => {
      work.end();
      this.#options.metrics.statement(outcomeOf(end), (ports.clock.monotonicMs() - beganMs) / 1_000);
      return end.how === 'failed' ? work.explain(end.error) : undefined;
    };
    try {
      const { query, parameters } = request;
      const asking = { query, format, ...(table === undefined ? {} : { table }), ...(parameters === undefined ? {} : { parameters }) };
      const answer = await work.slot.query(asking, work.options);
      // A reader may be slow, or have stopped reading: what is over holds up nobody.
      void answer.over.then(() => work.end());
      return { format: answer.format, body: heldStream(answer.body, finish) };
    } catch (error) {
      throw asMayflyError(await finish({ how: 'failed', error }));
    }
  }

  async *lifecycle(tenant: Tenant, query: gateway.LifecycleQuery): AsyncIterable<gateway.LifecycleEntry> {
    const { session_id: session, ...options } = query;
    for await (const { offset, record } of this.#options.ports.log.read(tenant, { ...options, ...(session === undefined ? {} : { session }) })) {
      yield { offset, record };
    }
  }

  #statementTimeout(request: gateway.QueryRequest): number {
    const max = this.#options.ports.limits.statementTimeoutMs;
    if (request.timeout === undefined) return max;
    const asked = parseDuration(request.timeout, 'timeout');
    if (asked > max) throw new InvalidRequest(`"timeout" is above this node's ${max} ms for a statement`, { field: 'timeout', max });
    return asked;
  }

  #admit(tenant: Tenant): void {
    const { intake, directory, sessionsMax, sessionsPerTenantMax } = this.#options;
    const closed = intake();
    if (closed === 'draining' || closed === 'stopped') throw new NodeDraining('The node is draining and opens no sessions; ask another one');
    if (closed !== undefined) throw new Unavailable(`The node is ${closed} and opens no sessions yet; try again`);
    if (directory.liveCount >= sessionsMax) {
      throw new QuotaExceeded(`The node holds its most of ${sessionsMax} sessions; close some, or raise --max-sessions`, {
        limit: sessionsMax,
        quota: 'sessions',
      });
    }
    if (sessionsPerTenantMax !== null && directory.liveCountOf(tenant) >= sessionsPerTenantMax) {
      throw new QuotaExceeded(`The tenant holds its most of ${sessionsPerTenantMax} sessions on this node; close some`, {
        limit: sessionsPerTenantMax,
        quota: 'sessions_per_tenant',
      });
    }
  }

  async #living(tenant: Tenant, session: SessionId): Promise<LivingSession> {
    const known = this.#options.directory.find(tenant, session);
    if (known === undefined) throw sessionEnded((await this.#logged(tenant, session)).record);
    if (known.ended !== undefined) throw sessionEnded(known.ended);
    return known;
  }

  /** How a session that is not here ended. @throws PartialDeletionFailure, Unavailable while it has no end yet */
  async #logged(tenant: Tenant, session: SessionId): Promise<ChainEntry> {
    const last = lastOf(await this.#chain(tenant, session));
    if (isTerminal(last.record)) return last;
    const { event, details, ephemeral_table_count: total } = last.record;
    if (event === 'opened') throw beingEnded(session);
    const fields = { session_id: session, failed: details?.surviving_tables?.length ?? total, total };
    throw new PartialDeletionFailure('The session’s node is out of reach, and its tables are not known to be gone yet; it is being retried', fields);
  }

  /** What the log knows of a session that is not here; another tenant's is as unknown as none (I7). */
  async #chain(tenant: Tenant, session: SessionId): Promise<readonly ChainEntry[]> {
    const chain = await this.#options.ports.log.chain(tenant, session);
    if (chain.length === 0) throw new UnknownSession(`There is no session ${session}`, { session_id: session });
    return chain;
  }

  async #describeLogged(tenant: Tenant, session: SessionId): Promise<gateway.SessionDetails> {
    const chain = await this.#chain(tenant, session);
    const { record } = lastOf(chain);
    if (record.event === 'opened') throw beingEnded(session);
    return {
      session_id: session,
      tenant_id: tenant,
      state: isTerminal(record) ? record.event : 'partial_failure',
      created_at: chain[0]?.record.occurred_at ?? record.occurred_at,
      expires_at: null,
      timeout_ms: null,
      idle_timeout_ms: null,
      labels: {},
      node_id: chain[0]?.by.node ?? this.#options.ports.holder.node,
      tables: [],
      ...(isTerminal(record) ? { ended: record } : {}),
    };
  }

  #view(known: KnownSession): gateway.SessionView {
    const { tenant, session, labels, about } = known;
    const { createdAtMs, timeoutMs, idleTimeoutMs } = about.times;
    const { expires_at } = this.#standing(known);
    return {
      session_id: session,
      tenant_id: tenant,
      state: about.state,
      created_at: new Date(createdAtMs).toISOString(),
      expires_at,
      timeout_ms: timeoutMs,
      idle_timeout_ms: idleTimeoutMs,
      labels,
      // Of one that is ended for another node, that one: whoever is asked names the same.
      node_id: about.holder.node,
    };
  }

  #standing({ about: { expiresAtMs } }: KnownSession): gateway.SessionStanding {
    return { node_id: this.#options.ports.holder.node, expires_at: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString() };
  }
}

function lastOf(chain: readonly ChainEntry[]): ChainEntry {
  const last = chain.at(-1);
  if (last === undefined) throw new Error('a session that is known has its first record');
  return last;
}

function beingEnded(session: SessionId): Unavailable {
  return new Unavailable('The session is being ended: its node is gone; try again', { session_id: session });
}

function assertTable(actor: SessionActor, name: LogicalName): void {
  if (!actor.tables.some((table) => table.name === name)) {
    throw new UnknownTable(`The session has no table "${name}"`, { name });
  }
}

function tableView(session: SessionId, { name, rows }: TableCount): gateway.TableView {
  return { name, physical_id: physicalId(session, name), table_ref: tableRef(session, name), rows };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(asMayflyError(signal.reason));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

function outcomeOf(end: StreamEnd): StatementOutcome {
  if (end.how !== 'failed') return end.how === 'whole' ? 'ok' : 'cancelled';
  const { code } = asMayflyError(end.error);
  return code === 'query_timeout' ? 'timed_out' : code === 'query_cancelled' ? 'cancelled' : 'failed';
}
