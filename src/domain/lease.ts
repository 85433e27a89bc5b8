import type { SessionId } from './ids.ts';
import type { LogicalName } from './table-name.ts';
import type { Tenant } from './tenant.ts';

/** One run of one node. */
export interface Holder {
  readonly node: string;
  readonly incarnation: string;
  /** `host:port` of its life port, whose socket every one of its workers holds too; absent on a node without one (I4). */
  readonly life?: string;
}

/** What a node tells the others of itself with each heartbeat. */
export interface NodeNotice {
  /** Where it takes calls, e.g. `http://10.0.0.7:7464`. */
  readonly url: string;
  readonly state: 'starting' | 'serving' | 'fenced' | 'draining';
  /** Sessions open now, and at most. */
  readonly sessions: number;
  readonly sessionsMax: number;
  /** Whether it reaches the log: only then it takes its share of watching over the others. */
  readonly reachesLog: boolean;
  /** Its wall clock, ms since 1970: tells a newcomer which notices are old. */
  readonly at: number;
  readonly life?: string;
}

/** A holder as the lease store shows it. */
export interface KnownHolder {
  readonly holder: Holder;
  /** The last one it set. */
  readonly counter: number;
  /** Absent until its first heartbeat with one. */
  readonly notice?: NodeNotice;
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
