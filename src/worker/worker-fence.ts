import { LeaseLost } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';
import { ALWAYS, standingOf, type ServingWindow } from '../domain/serving-window.ts';

/** What a worker knows of its node's lease: it judges for itself, since its node may be the one that is paused (I5). */
export class WorkerFence {
  /** A node without others never says one. */
  #window: ServingWindow = ALWAYS;

  serveWithin(window: ServingWindow): void {
    this.#window = window;
  }

  readonly isOver = (): boolean => standingOf(this.#window, Number(process.hrtime.bigint() / 1_000n) / 1_000, Date.now()) !== 'held';

  /** An answer is cut as soon as the window is over. */
  async *guard(body: ByteStream): AsyncGenerator<Uint8Array, void, void> {
    for await (const piece of body) {
      this.#check();
      yield piece;
    }
    this.#check();
  }

  /** @throws LeaseLost */
  #check(): void {
    if (this.isOver()) throw new LeaseLost('The node lost its lease while the work ran; what came of it is not acknowledged', {});
  }
}
