import type { SessionId } from './ids.ts';
import type { EndReason, TerminalEvent } from './lifecycle-record.ts';
import type { Tenant } from './tenant.ts';

/** The decision to end a session: the linearisation point of the protocol (I1, I2). */
export interface Decision {
  readonly tenant: Tenant;
  readonly session: SessionId;
  readonly event: TerminalEvent;
  readonly reason: EndReason;
  /** The node that decided. */
  readonly by: string;
}

export interface StandingDecision {
  readonly decision: Decision;
  /** The fencing token carried by every drop: the decision's position in its log, above 0. */
  readonly token: number;
  /** True for the one caller whose decision this is. */
  readonly won: boolean;
}
