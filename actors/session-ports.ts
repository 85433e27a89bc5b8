import type { SessionId } from '../src/domain/ids.ts';
import type { LifecycleRecord } from '../src/domain/lifecycle-record.ts';
import type { Tenant } from '../src/domain/tenant.ts';
import type { ClaimLock } from '../src/ports/claim-lock.ts';
import type { Clock } from '../src/ports/clock.ts';
import type { Holder, LeaseStore } from '../src/ports/lease-store.ts';
import type { LifecycleLog } from '../src/ports/lifecycle-log.ts';
import type { TableEngine } from '../src/ports/table-engine.ts';

export interface SessionIdentity {
  readonly tenant: Tenant;
  readonly session: SessionId;
}

export interface SessionLimits {
  /** How long a statement may run when its caller asks for no less, in ms. */
  readonly statementTimeoutMs: number;
  /** Statements waiting in one session. */
  readonly queueMax: number;
  /** How long a claim on closing lasts, in ms. */
  readonly claimTtlMs: number;
  /** How long work in flight may go on once the session closes, before it is interrupted, in ms. */
  readonly closeGraceMs: number;
}

/** What a session needs of the world. */
export interface SessionPorts {
  readonly engine: TableEngine;
  readonly leases: LeaseStore;
  readonly claims: ClaimLock;
  readonly log: LifecycleLog;
  readonly clock: Clock;
  readonly holder: Holder;
  /** Whether the node may serve no more at this instant (I5). */
  readonly isFenced: () => boolean;
  readonly limits: SessionLimits;
  /** Told once, when the terminal record stands. */
  readonly onEnded: (identity: SessionIdentity, record: LifecycleRecord) => void;
  /** Told once, when a session could not be opened and no record is owed. */
  readonly onAbandoned: (identity: SessionIdentity) => void;
  /** Told when this node decided the end of a session that another one holds. */
  readonly onDecided: (holder: Holder, identity: SessionIdentity) => void;
  /** What went wrong and is being retried or lived with: for the operator's log. */
  readonly onTrouble: (what: string, identity: SessionIdentity | undefined, error: unknown) => void;
}
