import type { SessionId } from './ids.ts';
import type { PhysicalId } from './table-name.ts';
import type { Tenant } from './tenant.ts';

/** The topic of every lifecycle record; on NATS the subject is `<topic>.<tenant>.<session id>.<n>`. */
export const SESSION_LIFECYCLE_TOPIC = 'jammi.audit.session_lifecycle.v1';

export type TerminalEvent = 'closed' | 'timed_out';
export type LifecycleEvent = 'opened' | TerminalEvent | 'partial_deletion_failure';

/** Why a session ended. Somebody asked: `close`, `disposed`, `drain`. Nobody did: the rest; `forced` counts as nobody. */
export type EndReason = 'close' | 'disposed' | 'drain' | 'deadline' | 'idle' | 'lease_expired' | 'process_exit' | 'worker_lost' | 'forced';

/** How well `deleted_row_count` is known (I6). With `unknown` the count is 0. */
export type Counted = 'exact' | 'last_acknowledged' | 'at_least' | 'unknown';

/** How the deletion is known (I6): the worker's receipt, the death of every process that held it, or not at all. */
export type Proof = 'dropped' | 'process_exit' | 'unreachable';

/** What was erased where, in words that claim no more than is known (I6): freed pages are not zeroed. */
export interface Erasure {
  /** `instance_closed`: the DuckDB instance was destroyed; `catalog_detached`: dropped and freed for reuse; `process_exit`; `none`: it held nothing. */
  readonly memory: 'instance_closed' | 'catalog_detached' | 'process_exit' | 'none';
  /** `removed`: the session's spill folder is gone; `none`: it never had one; `until_restart`: on the dead node's disk until a node starts there. */
  readonly spill: 'removed' | 'none' | 'until_restart';
  /** The journal holds names and counts of tables, never rows. */
  readonly journal: 'no_row_data';
}

export interface LifecycleDetails {
  readonly reason?: EndReason;
  readonly counted?: Counted;
  readonly proof?: Proof;
  readonly erasure?: Erasure;
  readonly surviving_tables?: readonly PhysicalId[];
  readonly attempted_event?: TerminalEvent;
}

/** One entry of a session's chain, exactly as it is stored and shown. Counts are rows; times are RFC 3339 UTC. */
export interface LifecycleRecord {
  readonly session_id: SessionId;
  readonly tenant_id: Tenant;
  readonly event: LifecycleEvent;
  readonly occurred_at: string;
  /** All tables the session ever created. */
  readonly ephemeral_table_count: number;
  /** Rows removed, earlier table drops included; only of tables really gone. */
  readonly deleted_row_count: number;
  readonly details?: LifecycleDetails;
}

/** A decision maps its reason to the event (I2). */
export function eventOfReason(reason: EndReason): TerminalEvent {
  return reason === 'close' || reason === 'disposed' || reason === 'drain' ? 'closed' : 'timed_out';
}

export function isTerminal(record: LifecycleRecord): record is LifecycleRecord & { readonly event: TerminalEvent } {
  return record.event === 'closed' || record.event === 'timed_out';
}
