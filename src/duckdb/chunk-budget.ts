import { setImmediate as nextTurn } from 'node:timers/promises';

const BUDGET_BYTES = 8 * 1_048_576;
/** Chunks that outlived a collection of the young wait for a whole one, which takes a hundred times as long. */
export const WHOLE_BUDGET_BYTES = 64 * 1_048_576;
/** Rows that are values of JavaScript at one time: of more, most outlives two collections of the young, which are of 2 MB. */
export const YOUNG_ROWS_MAX = 256;
/** Vectors are allocated for 2,048 rows however few they hold. */
const CHUNK_MIN_BYTES = 65_536;

/** A chunk's memory is freed only by garbage collection, which sees none of it: so it is asked for by bytes handled. */
export class ChunkBudget {
  readonly #wholeBytes: number;
  #spentBytes = 0;
  #sinceWholeBytes = 0;

  /** @param wholeBytes what is handled between whole collections; without it there are none, where one chunk serves all the rows */
  constructor(wholeBytes = Infinity) {
    this.#wholeBytes = wholeBytes;
  }

  async spend(bytes: number): Promise<void> {
    this.#spentBytes += Math.max(bytes, CHUNK_MIN_BYTES);
    if (this.#spentBytes < BUDGET_BYTES) return;
    this.#sinceWholeBytes += this.#spentBytes;
    this.#spentBytes = 0;
    if (this.#sinceWholeBytes < this.#wholeBytes) collectYoungGarbage();
    else {
      this.#sinceWholeBytes = 0;
      collectGarbage();
    }
    // Finalizers, which free the chunks, run in a turn of their own.
    await nextTurn();
  }
}

/** Frees what DuckDB objects hold; workers run with --expose-gc. */
export function collectGarbage(): void {
  globalThis.gc?.();
}

/** The same for objects made a moment ago, in a tenth of the time. */
export function collectYoungGarbage(): void {
  globalThis.gc?.({ type: 'minor' });
}
