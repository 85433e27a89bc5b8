import type { Clock } from '../ports/clock.ts';

/** Node clamps a longer delay to 1 ms, which would end a month-long session at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

class SystemTimer {
  #handle: NodeJS.Timeout | undefined;

  start(run: () => void, delayMs: number, nowMs: () => number): void {
    const dueMs = nowMs() + Math.max(0, delayMs);
    const arm = (): void => {
      const leftMs = dueMs - nowMs();
      if (leftMs > LONGEST_DELAY_MS) this.#handle = setTimeout(arm, LONGEST_DELAY_MS);
      else this.#handle = setTimeout(run, Math.max(0, leftMs));
    };
    arm();
  }

  stop(): void {
    clearTimeout(this.#handle);
  }
}

/** The machine's own time. Delays of any length are kept, also those above 2^31-1 ms. */
export class SystemClock implements Clock {
  wallMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return Number(process.hrtime.bigint() / 1_000n) / 1_000;
  }

  setTimeout(run: () => void, delayMs: number): unknown {
    const timer = new SystemTimer();
    timer.start(run, delayMs, () => this.monotonicMs());
    return timer;
  }

  clearTimeout(timer: unknown): void {
    if (timer instanceof SystemTimer) timer.stop();
  }
}
