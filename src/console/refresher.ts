/** Between two runs at least, in ms: a busy log asks for more than a node should answer to a page. */
const GAP_MS = 200;

/** Does a task now and then again: after a pause while the page is looked at, and soon after it is asked to. Never two at once. */
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
    void this.#run();
  }

  /** Before long; asked for many times meanwhile, once. */
  soon(): void {
    const isDue = this.#again;
    this.#again = true;
    if (!this.#running && !isDue) this.#rest(GAP_MS);
  }

  async #run(): Promise<void> {
    if (this.#running || this.#signal.aborted) return;
    this.#running = true;
    this.#again = false;
    await this.#task();
    this.#running = false;
    this.#rest(this.#again ? GAP_MS : this.#everyMs);
  }

  #rest(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#signal.aborted) this.#timer = setTimeout(() => (this.#again ? void this.#run() : this.#seen()), ms);
  }

  #seen(): void {
    if (document.visibilityState === 'visible') void this.#run();
  }
}
