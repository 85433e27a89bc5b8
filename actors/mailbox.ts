import { QueryCancelled, SessionBusy } from '../src/domain/errors.ts';
import type { MayflyError } from '../src/domain/errors.ts';

/** A place at the head of the queue; the next one moves up when it is left. */
export interface Turn {
  leave(): void;
}

interface Waiting {
  admit(turn: Turn): void;
  refuse(error: MayflyError): void;
}

/** One piece of work at a time, first come, first served, and at most `queueMax` waiting behind it. */
export class Mailbox {
  readonly #queueMax: number;
  readonly #waiting: Waiting[] = [];
  readonly #idleListeners: (() => void)[] = [];
  #busy = false;

  constructor(queueMax: number) {
    this.#queueMax = queueMax;
  }

  /**
   * @throws SessionBusy when `queueMax` are waiting already
   * @throws QueryCancelled when the signal aborts before the turn comes
   */
  enter(signal?: AbortSignal): Promise<Turn> {
    if (signal?.aborted === true) return Promise.reject(cancelled());
    if (!this.#busy) {
      this.#busy = true;
      return Promise.resolve(this.#turn());
    }
    if (this.#waiting.length >= this.#queueMax) {
      const detail = `${this.#queueMax} statements wait in this session already; wait for some to finish`;
      return Promise.reject(new SessionBusy(detail, { limit: this.#queueMax, quota: 'queue' }));
    }
    return new Promise<Turn>((resolve, reject) => {
      const forget = (): void => signal?.removeEventListener('abort', onAbort);
      const entry: Waiting = {
        admit: (turn) => (forget(), resolve(turn)),
        refuse: (error) => (forget(), reject(error)),
      };
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(cancelled());
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(entry);
    });
  }

  /** Turns away all that wait; what runs goes on. */
  refuseWaiting(reason: () => MayflyError): void {
    for (const entry of this.#waiting.splice(0)) entry.refuse(reason());
  }

  /** Resolves once nothing runs and nothing waits. */
  idle(): Promise<void> {
    return this.#busy ? new Promise((resolve) => this.#idleListeners.push(resolve)) : Promise.resolve();
  }

  #turn(): Turn {
    let left = false;
    return {
      leave: () => {
        if (left) return;
        left = true;
        this.#next();
      },
    };
  }

  #next(): void {
    const next = this.#waiting.shift();
    if (next !== undefined) return next.admit(this.#turn());
    this.#busy = false;
    for (const listener of this.#idleListeners.splice(0)) listener();
  }
}

function cancelled(): QueryCancelled {
  return new QueryCancelled('The call was cancelled before its turn came; nothing was done');
}
