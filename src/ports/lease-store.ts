import type { SessionId } from '../domain/ids.ts';
import type { LogicalName } from '../domain/table-name.ts';
import type { Tenant } from '../domain/tenant.ts';

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

/** Who is alive, and what each holder holds. Every call is bounded in time and rejects with `unavailable` otherwise. */
export interface LeaseStore {
  /** Sets the holder's counter; only the holder raises it. */
  heartbeat(holder: Holder, counter: number): Promise<HeartbeatAnswer>;
  /** Registers a session or replaces its context; resolved before any answer that changed rows. */
  put(lease: Lease): Promise<void>;
  remove(holder: Holder, session: SessionId): Promise<void>;
  /** Directory look-up: who holds the session. */
  find(session: SessionId): Promise<Lease | undefined>;
  /** Every known holder with the counter last set. */
  holders(): Promise<readonly { readonly holder: Holder; readonly counter: number }[]>;
  /** A holder's sessions. */
  leases(holder: Holder): Promise<readonly Lease[]>;
  /** Tells the holder at its next heartbeat that the session has a decision. */
  revoke(holder: Holder, session: SessionId): Promise<void>;
  /** Forgets a dead holder once none of its sessions is left; false while there are some. */
  forget(holder: Holder): Promise<boolean>;
  close(): Promise<void>;
}
