import type { LifecycleEntry } from '../domain/gateway.ts';
import type { NodeCaller } from './node-caller.ts';
import { asRefusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** Entries kept, the newest ones. */
const KEPT_MAX = 500;
/** Pauses before the stream is taken up again, in ms: doubled each time. */
const AGAIN_MS = { min: 500, max: 3_000 } as const;

export interface StreamState {
  readonly phase: 'replaying' | 'live' | 'waiting' | 'refused';
  readonly refusal?: Refusal;
}

type Listener = (fresh: readonly LifecycleEntry[], all: readonly LifecycleEntry[]) => void;

/** The tenant's lifecycle records: what the log holds first, then what comes, for as long as `signal` lets it. */
export class Records {
  readonly #caller: NodeCaller;
  readonly #signal: AbortSignal;
  readonly #onState: (state: StreamState) => void;
  readonly #listeners = new Set<Listener>();
  #entries: readonly LifecycleEntry[] = [];
  #from = 0;

  constructor(caller: NodeCaller, signal: AbortSignal, onState: (state: StreamState) => void) {
    this.#caller = caller;
    this.#signal = signal;
    this.#onState = onState;
  }

  /** Calls `listener` with what was kept so far, and then with each batch that comes. */
  subscribe(listener: Listener, signal: AbortSignal): void {
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener));
    listener([], this.#entries);
  }

  /** Never rejects: a stream that was cut goes on behind the last entry it gave; one that was refused says so and ends. */
  async follow(): Promise<void> {
    let waitMs: number = AGAIN_MS.min;
    while (!this.#signal.aborted) {
      try {
        this.#onState({ phase: 'replaying' });
        await this.#read('');
        for await (const fresh of this.#batches('&follow=1')) {
          if (fresh.length === 0) this.#onState({ phase: 'live' });
          this.#add(fresh);
          waitMs = AGAIN_MS.min;
        }
      } catch (error) {
        if (this.#signal.aborted) return;
        const refusal = asRefusal(error);
        if (refusal.status >= 400 && refusal.status < 500) {
          this.#onState({ phase: 'refused', refusal });
          return;
        }
      }
      if (this.#signal.aborted) return;
      this.#onState({ phase: 'waiting' });
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      waitMs = Math.min(AGAIN_MS.max, 2 * waitMs);
    }
  }

  async #read(query: string): Promise<void> {
    for await (const fresh of this.#batches(query)) this.#add(fresh);
  }

  #batches(query: string): AsyncGenerator<readonly LifecycleEntry[]> {
    return this.#caller.values<LifecycleEntry>(`v1/lifecycle?from=${this.#from}${query}`, this.#signal);
  }

  #add(fresh: readonly LifecycleEntry[]): void {
    const last = fresh.at(-1);
    if (last === undefined) return;
    this.#from = last.offset + 1;
    this.#entries = [...this.#entries, ...fresh].slice(-KEPT_MAX);
    for (const listener of this.#listeners) listener(fresh, this.#entries);
  }
}
