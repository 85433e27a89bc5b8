import type { Decision, StandingDecision } from '../domain/decision.ts';
import type { LifecycleEntry } from '../domain/gateway.ts';
import type { SessionId } from '../domain/ids.ts';
import type { LifecycleRecord } from '../domain/lifecycle-record.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Holder } from '../domain/lease.ts';

export type { Decision, StandingDecision } from '../domain/decision.ts';

export interface ChainEntry extends LifecycleEntry {
  /** Position in the session's chain; 0 is `opened`. */
  readonly n: number;
  /** Who wrote it; of `opened`: who holds the session. */
  readonly by: Holder;
}

export type Appended =
  | { readonly outcome: 'created'; readonly entry: ChainEntry }
  /** Somebody wrote n first; `entry` is what stands there. */
  | { readonly outcome: 'occupied'; readonly entry: ChainEntry }
  /** No decision stands that the record could follow (I2): decide again, then append. */
  | { readonly outcome: 'undecided' };

/** A session with `opened` and no terminal record. */
export interface OpenEntry {
  readonly tenant: Tenant;
  readonly session: SessionId;
  readonly openedBy: Holder;
}

export interface ReadOptions {
  readonly from?: number;
  readonly follow?: boolean;
  readonly session?: SessionId;
  readonly signal?: AbortSignal;
}

/**
 * The durable proof. A record is durable once its call resolves, and so is all that it follows from; a call rejects with
 * `unavailable` when that is in doubt: the caller then reads back before it decides anything.
 */
export interface LifecycleLog {
  /**
   * Create-if-absent of entry n of the record's session; never overwrites (I1). `opened` (n = 0) bears its holder.
   * @throws Unavailable when it may or may not have landed
   */
  append(n: number, record: LifecycleRecord, holder: Holder): Promise<Appended>;
  /** The session's chain, n ascending; empty when the tenant has no such session, or no longer. */
  chain(tenant: Tenant, session: SessionId): Promise<readonly ChainEntry[]>;
  /**
   * Create-if-absent of the session's one decision; the loser gets the one that stands. It binds all who share the log
   * from here on. A log of one process may lose it with that process, as long as no record follows from it.
   */
  decide(decision: Decision): Promise<StandingDecision>;
  decision(tenant: Tenant, session: SessionId): Promise<StandingDecision | undefined>;
  /** Sessions opened and not ended, for the sweep. */
  unfinished(): AsyncIterable<OpenEntry>;
  /**
   * One tenant's records from an offset on, gap-free from replay to live. Ends when aborted, or at the end unless
   * `follow`. When the log is closed a follower ends, and a replay comes to its end or rejects (I8).
   */
  read(tenant: Tenant, options: ReadOptions): AsyncIterable<ChainEntry>;
  /** Lets what was begun become durable, then lets go of files and connections. */
  close(): Promise<void>;
}
