import type { SessionId } from '../domain/ids.ts';
import type { HeartbeatAnswer, Holder, Lease } from '../domain/lease.ts';

export type { HeartbeatAnswer, Holder, Lease, LeaseContext, TableCount } from '../domain/lease.ts';

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
