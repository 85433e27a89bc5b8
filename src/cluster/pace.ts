import type { Clock } from '../ports/clock.ts';

/** Rests between two rounds of the same thing, in ms: each twice as long as the one before. */
const REST_MS = { min: 500, max: 30_000 } as const;

interface Rest {
  readonly untilMs: number;
  readonly lengthMs: number;
}

/** When to go again through what was left as it was the last time: ever more seldom, until something happens to it. */
export class Pace {
  readonly #clock: Clock;
  readonly #rests = new Map<string, Rest>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isDue(key: string): boolean {
    const rest = this.#rests.get(key);
    return rest === undefined || this.#clock.monotonicMs() >= rest.untilMs;
  }

  rest(key: string): void {
    const before = this.#rests.get(key);
    const lengthMs = before === undefined ? REST_MS.min : Math.min(REST_MS.max, before.lengthMs * 2);
    this.#rests.set(key, { untilMs: this.#clock.monotonicMs() + lengthMs, lengthMs });
  }

  /** Due at once. */
  forget(key: string): void {
    this.#rests.delete(key);
  }
}
