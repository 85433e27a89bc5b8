/** Wall and monotonic clock further apart than this since the heartbeat: the machine slept, or somebody set its clock. */
const DRIFT_MAX_MS = 500;

/** Until when a node may serve after its last successful heartbeat (I5). */
export interface ServingWindow {
  /** On the monotonic clock, which is one for all processes of a host. */
  readonly untilMs: number;
  /** Wall clock minus monotonic clock when the heartbeat was sent. */
  readonly offsetMs: number;
}

/** Serves for ever: a node without others. */
export const ALWAYS: ServingWindow = { untilMs: Number.MAX_SAFE_INTEGER, offsetMs: Number.NaN };
export const NEVER: ServingWindow = { untilMs: Number.MIN_SAFE_INTEGER, offsetMs: Number.NaN };

export type Standing = 'held' | 'over' | 'drifted';

/**
 * Judged at the instant it is asked, not by a timer, which a process that was paused gets too late. The monotonic clock
 * may stand still while a machine sleeps; the wall clock then tells.
 */
export function standingOf({ untilMs, offsetMs }: ServingWindow, monotonicMs: number, wallMs: number): Standing {
  if (monotonicMs >= untilMs) return 'over';
  return Math.abs(wallMs - monotonicMs - offsetMs) > DRIFT_MAX_MS ? 'drifted' : 'held';
}
