import type { SessionId } from './ids.ts';
import type { LogicalName } from './table-name.ts';
import type { Tenant } from './tenant.ts';

/** One run of one node. */
export interface Holder {
  readonly node: string;
  readonly incarnation: string;
}

export interface TableCount {
  readonly name: LogicalName;
  readonly rows: number;
}

/** What the lease keeps of a session: enough for an adopter to close it with truthful counts (I6). */
export interface LeaseContext {
  readonly v: 1;
  readonly tenant: Tenant;
  /** Wall-clock deadline in ms since 1970, or null. */
  readonly deadline: number | null;
  /** Tables now alive, with the last acknowledged rows of each. */
  readonly tables: readonly TableCount[];
  /** Tables the session ever created. */
  readonly created: number;
  /** Rows of tables dropped before the end. */
  readonly dropped_rows: number;
  /** Set when a count could not be written before its answer: counts are then a lower bound. */
  readonly at_least: boolean;
}

export interface Lease {
  readonly holder: Holder;
  readonly session: SessionId;
  readonly context: LeaseContext;
}

export interface HeartbeatAnswer {
  /** False when the store did not hold the previous counter: it was emptied, and leases must be written back. */
  readonly previousSeen: boolean;
  /** Sessions of this holder for which others have a decision. */
  readonly revoked: readonly SessionId[];
}
