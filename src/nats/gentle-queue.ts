import { Unavailable } from '../domain/errors.ts';
import type { Clock } from '../ports/clock.ts';

const WAITING_MAX = 500;

/**
 * Runs one thing at a time, and rests after each for as long as it took: what holds up a server for all its users then
 * has half of its time at most.
 */
export class GentleQueue {
  readonly #clock: Clock;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws Unavailable when too many wait already */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= WAITING_MAX) throw new Unavailable(`${WAITING_MAX} readers wait for their turn already`, { limit: WAITING_MAX });
    this.#waiting += 1;
    const before = this.#last;
    let sinceMs = 0;
    const working = before.then(() => {
      this.#waiting -= 1;
      sinceMs = this.#clock.monotonicMs();
      return work();
    });
    const rest = (): Promise<void> => new Promise((resolve) => this.#clock.setTimeout(resolve, this.#clock.monotonicMs() - sinceMs));
    this.#last = working.then(rest, rest);
    return working;
  }
}
