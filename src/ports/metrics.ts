import type { EndReason, LifecycleEvent } from '../domain/lifecycle-record.ts';

export type StatementOutcome = 'ok' | 'failed' | 'cancelled' | 'timed_out';

/** What is counted. Observe-only: no call throws, waits or answers, so that nothing can depend on it. */
export interface Metrics {
  sessionOpened(): void;
  sessionEnded(event: LifecycleEvent, reason: EndReason): void;
  /** Sessions now open on this node. */
  openSessions(count: number): void;
  statement(outcome: StatementOutcome, seconds: number): void;
  /** Body bytes through the HTTP surface. */
  bytes(direction: 'in' | 'out', count: number): void;
  /** Worker processes without a tenant yet, and those of one. */
  workers(state: 'spare' | 'busy', count: number): void;
  journalFsync(seconds: number): void;
  /** `route` is the pattern, never the path: ids would make a time series each. */
  httpRequest(route: string, method: string, status: number, seconds: number): void;
}
