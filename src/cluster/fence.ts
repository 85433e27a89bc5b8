import { NEVER, standingOf } from '../domain/serving-window.ts';
import type { ServingWindow } from '../domain/serving-window.ts';
import type { Clock } from '../ports/clock.ts';

/** The instant after which this node must not serve (I5). */
export class Fence {
  readonly #clock: Clock;
  readonly #onDrift: () => void;
  #window: ServingWindow = NEVER;

  /** @param onDrift told once for each window whose clocks ran apart */
  constructor(clock: Clock, onDrift: () => void) {
    this.#clock = clock;
    this.#onDrift = onDrift;
  }

  extend(window: ServingWindow): void {
    if (window.untilMs > this.#window.untilMs) this.#window = window;
  }

  readonly isPassed = (): boolean => {
    const standing = standingOf(this.#window, this.#clock.monotonicMs(), this.#clock.wallMs());
    if (standing === 'drifted') {
      this.#window = NEVER;
      this.#onDrift();
    }
    return standing !== 'held';
  };
}
