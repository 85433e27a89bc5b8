import type { ByteStream, ColumnSpec, ColumnView, QueryAnswer, RowFormat } from '../domain/gateway.ts';
import type { SessionId } from '../domain/ids.ts';
import type { Counted, Erasure } from '../domain/lifecycle-record.ts';
import type { LogicalName } from '../domain/table-name.ts';
import type { ServingWindow } from '../domain/serving-window.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { TableCount } from './lease-store.ts';

/** Where a session's tables live. One tenant never shares a process with another (I7). */
export interface TableEngine {
  /**
   * Takes a place for the session. Its first work takes what it needs there: warm when there is one, made otherwise.
   * @throws QuotaExceeded (`quota: "workers"`) when every worker is taken; Unavailable when none can be started
   */
  openSlot(request: SlotRequest): Promise<Slot>;
  /** From the end of this window on nothing begins, commits or is answered in any slot, drops excepted (I5). */
  serveWithin(window: ServingWindow): void;
  /** Stops every worker; resolves when the last of them is gone and its files with it. */
  close(): Promise<void>;
}

export interface SlotRequest {
  readonly tenant: Tenant;
  readonly session: SessionId;
  readonly signal?: AbortSignal;
}

export interface WorkOptions {
  readonly signal?: AbortSignal;
  /** Then the statement is interrupted, and the worker killed 2 s later if it did not heed. */
  readonly timeoutMs: number;
  /**
   * Called with what will be left of a table *before* a commit that lowers its row count (I6: never claim rows that
   * are gone already), and after one that raises it, before the answer.
   */
  readonly noteCount: (count: TableCount) => Promise<void>;
}

export type TableOrigin =
  | { readonly kind: 'arrow'; readonly body: ByteStream }
  | { readonly kind: 'columns'; readonly columns: readonly ColumnSpec[] }
  | { readonly kind: 'query'; readonly query: string };

export interface TableDescription {
  readonly name: LogicalName;
  readonly rows: number;
  readonly columns: readonly ColumnView[];
  readonly primaryKey: readonly string[];
}

export interface SlotQuery {
  readonly query: string;
  readonly table?: LogicalName;
  readonly parameters?: readonly unknown[] | Readonly<Record<string, unknown>>;
  readonly format: RowFormat;
}

/** What a worker answers to a drop; the same again for the same token (I4). */
export interface DropReceipt {
  readonly token: number;
  /** Tables gone, with the rows they had once nothing could change them any more. */
  readonly dropped: readonly TableCount[];
  /** `last_acknowledged` when some could not be counted. */
  readonly counted: Extract<Counted, 'exact' | 'last_acknowledged'>;
  /** Tables that could not be dropped. */
  readonly surviving: readonly LogicalName[];
  /** Where the session's memory and files went. */
  readonly erasure: Erasure;
}

/** How a worker ended: its slots are gone with it, which is proof by `process_exit`. */
export interface WorkerLoss {
  readonly cause: 'exited' | 'killed' | 'unresponsive' | 'memory';
  readonly detail: string;
}

export interface SlotAnswer extends QueryAnswer {
  /** Resolves when the statement is over, however much of its answer is still unread: others may then have their turn. */
  readonly over: Promise<void>;
}

/** One session's DuckDB instance. The caller runs one piece of work at a time. */
export interface Slot {
  /** Resolves when the worker is gone, which ends the session; pending for ever otherwise. */
  readonly lost: Promise<WorkerLoss>;
  createTable(name: LogicalName, origin: TableOrigin, primaryKey: readonly string[], options: WorkOptions): Promise<{ rows: number }>;
  /** All or nothing: one transaction. */
  insert(name: LogicalName, format: RowFormat, body: ByteStream, options: WorkOptions): Promise<{ rows: number }>;
  /** The answer's body must be read to its end or returned; the work lasts no longer than its timeout, read or not. */
  query(query: SlotQuery, options: WorkOptions): Promise<SlotAnswer>;
  describeTable(name: LogicalName, options: WorkOptions): Promise<TableDescription>;
  dropTable(name: LogicalName, options: WorkOptions): Promise<{ rows: number }>;
  /** Interrupts what runs; resolves when the interrupt was delivered. */
  interrupt(): Promise<void>;
  /** Nothing commits after this until the end (I5). */
  seal(): Promise<void>;
  /** Counts what is not known, drops all tables or none, releases the slot. Within 10 s, or the worker is killed and `lost` resolves. */
  drop(token: number): Promise<DropReceipt>;
}
