import type { StandingDecision } from '../src/domain/decision.ts';
import type { TableCount } from '../src/domain/lease.ts';
import type { EndReason, LifecycleRecord } from '../src/domain/lifecycle-record.ts';
import type { Deletion } from './session-deletion.ts';
import type { TableLedger } from './table-ledger.ts';

export interface SessionInput {
  /** Milliseconds until the hard deadline; null for none. */
  readonly remainingMs: number | null;
  /** Milliseconds without use after which the session ends; null for never. */
  readonly idleTimeoutMs: number | null;
  /** An adopter starts in `closing`: the holder is gone, and with what reason it is to be ended. */
  readonly adopted?: { readonly reason: EndReason; readonly ledger: TableLedger };
}

export interface SessionContext {
  readonly remainingMs: number | null;
  readonly idleTimeoutMs: number | null;
  readonly ledger: TableLedger;
  readonly adopted: boolean;
  /** What became of the node's lease while the session opened. */
  readonly leaseAtOpen: 'held' | 'lost' | 'regained';
  /** Why the session is to end; the decision that stands may say otherwise and then prevails. */
  readonly intent: EndReason | null;
  readonly decision: StandingDecision | null;
  readonly deletion: Deletion | null;
  /** The survivors last recorded as a partial failure: recorded once per set. */
  readonly recordedSurvivors: string | null;
  readonly record: LifecycleRecord | null;
  /** Failures in a row of the present step, for the backoff. */
  readonly failures: number;
  /** What failed last, for callers that wait. */
  readonly error: unknown;
}

export type SessionEvent =
  | { readonly type: 'WORK_BEGAN' }
  | { readonly type: 'WORK_ENDED' }
  | { readonly type: 'TOUCHED' }
  | { readonly type: 'EXTENDED'; readonly remainingMs: number | null; readonly idleTimeoutMs: number | null }
  | { readonly type: 'TABLE_NOTED'; readonly count: TableCount }
  | { readonly type: 'TABLE_DROPPED'; readonly count: TableCount }
  | { readonly type: 'NOTE_FAILED' }
  | { readonly type: 'CLOSE'; readonly reason: EndReason }
  | { readonly type: 'WORKER_LOST' }
  | { readonly type: 'REVOKED' }
  | { readonly type: 'FENCED' }
  | { readonly type: 'LEASE_RESTORED' };

export function standing(context: SessionContext): StandingDecision {
  if (context.decision === null) throw new Error('I2: tables are dropped only for a decision');
  return context.decision;
}

export function known(context: SessionContext): Deletion {
  if (context.deletion === null) throw new Error('I6: a record is written only of a known deletion');
  return context.deletion;
}
