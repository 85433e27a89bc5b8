import type { SessionId } from '../domain/ids.ts';
import type { HeartbeatAnswer, Holder, KnownHolder, Lease, NodeNotice } from '../domain/lease.ts';

export type { HeartbeatAnswer, Holder, KnownHolder, Lease, LeaseContext, NodeNotice, TableCount } from '../domain/lease.ts';

/** Who is alive, and what each holder holds. Every call is bounded in time and rejects with `unavailable` otherwise. */
export interface LeaseStore {
  /** Sets the holder's counter, which only the holder raises, and what it tells of itself. */
  heartbeat(holder: Holder, counter: number, notice?: NodeNotice): Promise<HeartbeatAnswer>;
  /** Registers a session or replaces its context; resolved before any answer that changed rows. */
  put(lease: Lease): Promise<void>;
  remove(holder: Holder, session: SessionId): Promise<void>;
  /** Directory look-up: who holds the session. */
  find(session: SessionId): Promise<Lease | undefined>;
  /** Every known holder with the counter and the notice last set. */
  holders(): Promise<readonly KnownHolder[]>;
  /** A holder's sessions. */
  leases(holder: Holder): Promise<readonly Lease[]>;
  /** Tells the holder at its next heartbeat that the session has a decision. */
  revoke(holder: Holder, session: SessionId): Promise<void>;
  /** Forgets a dead holder once none of its sessions is left; false while there are some. */
  forget(holder: Holder): Promise<boolean>;
  close(): Promise<void>;
}
