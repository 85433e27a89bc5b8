/** Does a task now and then again: after a pause while the page is looked at, and whenever it is asked to. Never two at once. */
export class Refresher {
  readonly #task: () => Promise<void>;
  readonly #everyMs: number;
  readonly #signal: AbortSignal;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;
  #again = false;

  /** `task` never rejects; `signal` ends it all. */
  constructor(task: () => Promise<void>, everyMs: number, signal: AbortSignal) {
    this.#task = task;
    this.#everyMs = everyMs;
    this.#signal = signal;
    signal.addEventListener('abort', () => clearTimeout(this.#timer));
    document.addEventListener('visibilitychange', () => this.#seen(), { signal });
    this.now();
  }

  now(): void {
    clearTimeout(this.#timer);
    if (this.#running) this.#again = true;
    else void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    do {
      this.#again = false;
      await this.#task();
    } while (this.#again && !this.#signal.aborted);
    this.#running = false;
    if (!this.#signal.aborted) this.#timer = setTimeout(() => this.#seen(), this.#everyMs);
  }

  #seen(): void {
    if (document.visibilityState === 'visible') this.now();
  }
}
