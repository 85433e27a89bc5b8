import { IdempotencyMismatch, InvalidRequest } from '../domain/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { HttpLimits } from './options.ts';

const KEY_MAX_CHARS = 255;

/** An answer that can be given again byte for byte. */
export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface KeyedCall {
  readonly tenant: string;
  readonly key: string;
  /** Method, path and query. */
  readonly target: string;
}

/** How the first call under a key ended: with an answer to keep, one too long to keep, or nothing that binds. */
type Outcome =
  | { readonly kind: 'kept'; readonly bodyHash: string; readonly answer: KeptAnswer }
  | { readonly kind: 'too_long'; readonly bodyHash: string }
  | { readonly kind: 'forget' };

interface Entry {
  readonly target: string;
  readonly sinceMs: number;
  readonly done: Promise<Outcome>;
  running: boolean;
}

export interface Turn {
  /** To be called exactly once, whatever happens, or duplicates would wait for ever. */
  settle(outcome: Outcome): void;
}

/**
 * Same tenant, key and call: done once, answered the same. A duplicate waits for the first, its own body unread; then
 * its body is hashed and compared. A failure that may be retried is forgotten, and the next in line runs.
 */
export class IdempotencyStore {
  private readonly entries = new Map<string, Entry>();
  private readonly clock: Clock;
  private readonly limits: HttpLimits;

  constructor(clock: Clock, limits: HttpLimits) {
    this.clock = clock;
    this.limits = limits;
  }

  /**
   * The turn to run the call, or the answer that was given to it.
   * @throws IdempotencyMismatch when the key stands for another call, or its answer was too long to keep
   */
  async begin(call: KeyedCall, hashBody: () => Promise<string>, signal: AbortSignal): Promise<Turn | KeptAnswer> {
    if (call.key === '' || call.key.length > KEY_MAX_CHARS) {
      throw new InvalidRequest(`Idempotency-Key has 1 to ${KEY_MAX_CHARS} characters`, { field: 'Idempotency-Key' });
    }
    const id = `${call.tenant}\n${call.key}`;
    for (;;) {
      this.evict();
      const entry = this.entries.get(id);
      if (entry === undefined) return this.claim(id, call.target);
      if (entry.target !== call.target) throw mismatch('another call');
      const outcome = await settledOrAborted(entry.done, signal);
      if (outcome.kind === 'forget') continue;
      if ((await hashBody()) !== outcome.bodyHash) throw mismatch('another body');
      if (outcome.kind === 'kept') return outcome.answer;
      throw new IdempotencyMismatch('The call was done, but its answer was too long to be kept: it is not done again', { answer_kept: false });
    }
  }

  private claim(id: string, target: string): Turn {
    let resolve!: (outcome: Outcome) => void;
    const done = new Promise<Outcome>((settle) => (resolve = settle));
    const entry: Entry = { target, sinceMs: this.clock.monotonicMs(), done, running: true };
    this.entries.set(id, entry);
    return {
      settle: (outcome) => {
        entry.running = false;
        if (outcome.kind === 'forget' && this.entries.get(id) === entry) this.entries.delete(id);
        resolve(outcome);
      },
    };
  }

  /** Oldest first, by age and by count; never one that runs: its duplicates must not run beside it. */
  private evict(): void {
    const oldestMs = this.clock.monotonicMs() - this.limits.idempotencyAgeMs;
    for (const [id, entry] of this.entries) {
      if (entry.running) continue;
      if (entry.sinceMs >= oldestMs && this.entries.size < this.limits.idempotencyKeysMax) return;
      this.entries.delete(id);
    }
  }
}

function mismatch(what: string): Error {
  return new IdempotencyMismatch(`This Idempotency-Key was used for ${what}: take a fresh key for a new call`);
}

function settledOrAborted(done: Promise<Outcome>, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new InvalidRequest('The client went away while it waited for the first call', { field: 'Idempotency-Key' }));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    void done.then(resolve).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
