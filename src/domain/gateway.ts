import type { DurationInput } from './duration.ts';
import type { SessionId } from './ids.ts';
import type { LifecycleRecord } from './lifecycle-record.ts';
import type { RowFormat } from './row-format.ts';
import type { Tenant } from './tenant.ts';

/**
 * What a node can be asked to do, seen from outside: one interface behind the library, the HTTP routes and the
 * remote client. Requests and answers have the wire's shape (snake_case), so that nothing is mapped twice.
 * Bodies are byte streams that are never gathered (I8: a stream that fails throws; it never just ends).
 */

export type ByteStream = AsyncIterable<Uint8Array>;
export type SessionState = 'open' | 'active' | 'closing' | 'closed' | 'timed_out' | 'partial_failure';

export interface OpenSessionRequest {
  /** Hard lifetime from creation. */
  readonly timeout?: DurationInput;
  readonly timeout_ms?: number;
  /** Ends the session after this long without use. */
  readonly idle_timeout?: DurationInput;
  readonly idle_timeout_ms?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

export type ExtendSessionRequest = Omit<OpenSessionRequest, 'labels'>;

/** Who serves a session, and until when. */
export interface SessionStanding {
  readonly node_id: string;
  /** null when the session has no deadline, or it is no longer known. */
  readonly expires_at: string | null;
}

export interface SessionView extends SessionStanding {
  readonly session_id: SessionId;
  readonly tenant_id: Tenant;
  readonly state: SessionState;
  readonly created_at: string;
  readonly timeout_ms: number | null;
  readonly idle_timeout_ms: number | null;
  readonly labels: Readonly<Record<string, string>>;
}

export interface TableView {
  readonly name: string;
  readonly physical_id: string;
  readonly table_ref: string;
  readonly rows: number;
}

export interface ColumnView {
  readonly name: string;
  /** A DuckDB type, e.g. `DECIMAL(18,3)`. */
  readonly type: string;
  readonly nullable: boolean;
}

export interface TableDetails extends TableView {
  readonly columns: readonly ColumnView[];
  readonly primary_key: readonly string[];
}

export interface SessionDetails extends SessionView {
  readonly tables: readonly TableView[];
  /** The terminal record of an ended session. */
  readonly ended?: LifecycleRecord;
}

export interface SessionFilter {
  readonly state?: SessionState;
  readonly labels?: Readonly<Record<string, string>>;
  /** Sessions a page, 1 to 1,000; 100 by default. */
  readonly limit?: number;
  readonly cursor?: string;
  /** Only what the node that is asked holds itself: how nodes ask each other. */
  readonly here?: boolean;
}

export interface SessionPage {
  readonly sessions: readonly SessionView[];
  readonly next_cursor: string | null;
}

export interface ClosedSessions {
  readonly closed: readonly LifecycleRecord[];
  readonly failed: readonly { readonly session_id: SessionId; readonly code: string; readonly detail: string }[];
}

/** Who asked for the end: `disposed` by `await using`, `forced` is recorded as `timed_out`. */
export type CloseReason = 'close' | 'disposed' | 'forced';

export interface ColumnSpec {
  readonly name: string;
  readonly type: string;
  readonly nullable?: boolean;
}

export type TableSource =
  | { readonly kind: 'arrow'; readonly body: ByteStream }
  | { readonly kind: 'columns'; readonly columns: readonly ColumnSpec[] }
  | { readonly kind: 'query'; readonly query: string };

export interface CreateTableRequest {
  readonly source: TableSource;
  readonly primary_key?: readonly string[];
}

export type { RowFormat };

export interface QueryRequest {
  readonly query: string;
  /** The logical name `{table}` stands for. */
  readonly table?: string;
  /** Positional (`?`, `$1`) as an array, named (`$n`) as an object; JSON values. */
  readonly parameters?: readonly unknown[] | Readonly<Record<string, unknown>>;
  readonly timeout?: DurationInput;
}

/**
 * Rows in the asked format, or for DML without RETURNING the number of rows changed: `{rows_changed}` as `json`, one row
 * of that one column in every other format. Nothing is sent before the first MiB is known to be good.
 */
export interface QueryAnswer {
  readonly format: RowFormat;
  readonly body: ByteStream;
}

export interface LifecycleQuery {
  /** First offset wanted, inclusive; 0 by default. */
  readonly from?: number;
  /** Keep the stream open and go on with what comes. */
  readonly follow?: boolean;
  readonly session_id?: SessionId;
  readonly signal?: AbortSignal;
}

/** A lifecycle record and where the log holds it. Offsets increase, with gaps. */
export interface LifecycleEntry {
  readonly offset: number;
  readonly record: LifecycleRecord;
}

export interface CallOptions {
  /** Aborting cancels the work of this call; a transaction under way is rolled back. */
  readonly signal?: AbortSignal;
  /** Same key and same call: the same answer, done once. */
  readonly idempotency_key?: string;
}

export interface Gateway {
  openSession(tenant: Tenant, request: OpenSessionRequest, options?: CallOptions): Promise<SessionView>;
  listSessions(tenant: Tenant, filter: SessionFilter): Promise<SessionPage>;
  describeSession(tenant: Tenant, session: SessionId): Promise<SessionDetails>;
  extendSession(tenant: Tenant, session: SessionId, request: ExtendSessionRequest): Promise<SessionView>;
  touchSession(tenant: Tenant, session: SessionId): Promise<SessionView>;
  cancelStatement(tenant: Tenant, session: SessionId): Promise<void>;
  /** The terminal record as the log holds it. Rejects with `partial_deletion_failure` or `unavailable`. */
  closeSession(tenant: Tenant, session: SessionId, reason: CloseReason): Promise<LifecycleRecord>;
  closeSessions(tenant: Tenant, filter: SessionFilter): Promise<ClosedSessions>;
  /** Resolves with the terminal record when the session ends by whatever cause. */
  sessionEnded(tenant: Tenant, session: SessionId, signal?: AbortSignal): Promise<LifecycleRecord>;
  createTable(tenant: Tenant, session: SessionId, name: string, request: CreateTableRequest, options?: CallOptions): Promise<TableView>;
  describeTable(tenant: Tenant, session: SessionId, name: string): Promise<TableDetails>;
  dropTable(tenant: Tenant, session: SessionId, name: string, options?: CallOptions): Promise<{ name: string; deleted_row_count: number }>;
  insertRows(tenant: Tenant, session: SessionId, name: string, format: RowFormat, body: ByteStream, options?: CallOptions): Promise<{ rows: number }>;
  query(tenant: Tenant, session: SessionId, request: QueryRequest, format: RowFormat, options?: CallOptions): Promise<QueryAnswer>;
  lifecycle(tenant: Tenant, query: LifecycleQuery): AsyncIterable<LifecycleEntry>;
}
