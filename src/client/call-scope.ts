/** One call's own signal: it aborts with the caller's signal, or when the call is left early. */
export class CallScope {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #forward = (): void => this.#controller.abort(this.#outer?.reason);
  #ended = false;

  constructor(outer: AbortSignal | undefined) {
    this.#outer = outer;
    if (outer?.aborted === true) this.#forward();
    outer?.addEventListener('abort', this.#forward, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the caller's signal aborted; a call left early is not cancelled from outside. */
  get aborted(): boolean {
    return this.#outer?.aborted === true;
  }

  /** The call came to its end: nothing is left to abort. */
  end(): void {
    this.#ended = true;
    this.#outer?.removeEventListener('abort', this.#forward);
  }

  /** The call was left: aborts what still runs, if anything does. */
  cancel(): void {
    if (this.#ended) return;
    this.end();
    this.#controller.abort();
  }
}
