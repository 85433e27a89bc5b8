import type { Clock } from '../src/ports/clock.ts';

/** What xstate asks of a clock. */
export interface MachineClock {
  setTimeout(run: (...args: unknown[]) => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** Machines tell time by the injected clock alone; a delay that is no safe bound (none was set) is never armed. */
export function machineClock(clock: Clock): MachineClock {
  return {
    setTimeout: (run, delayMs) => (delayMs >= Number.MAX_SAFE_INTEGER ? undefined : clock.setTimeout(run, delayMs)),
    clearTimeout: (timer) => {
      if (timer !== undefined) clock.clearTimeout(timer);
    },
  };
}
