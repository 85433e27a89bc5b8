import { collectGarbage } from '../duckdb/chunk-budget.ts';

const MIB = 1_048_576;
/** What a worker takes before it holds anything: 100 MiB of code and instances made ahead, and some more once it worked. */
export const EMPTY_WORKER_BYTES = 128 * MIB;
/** Bytes under way through a session: what its bodies, chunks and batches take outside of DuckDB. */
const UNDER_WAY_BYTES = 32 * MIB;
const CHECK_EVERY_MS = 20;
/** A worker whose sessions left memory in pieces is not to refuse all work: statements may always add this much. */
const ROOM_BYTES = 64 * MIB;

/** Of a session's memory limit, what DuckDB is given to manage. */
export function engineMemoryBytes(limitBytes: number): number {
  return limitBytes - Math.min(UNDER_WAY_BYTES, Math.ceil(limitBytes / 8));
}

/**
 * Watches the worker's own memory while calls are under way. DuckDB's limit leaves out what its vectors hold (one value
 * may have 1 GB), so statements that go beyond are interrupted in time for their sessions to live on.
 */
export class MemoryBound {
  readonly #limitBytes: () => number;
  readonly #onExceeded: (heldBytes: number) => void;
  #restingBytes = 0;
  #restedAtMs = -Infinity;
  #exceeded = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param limitBytes what the worker may hold just now; @param onExceeded called again and again while it holds more */
  constructor(limitBytes: () => number, onExceeded: (heldBytes: number) => void) {
    this.#limitBytes = limitBytes;
    this.#onExceeded = onExceeded;
  }

  /** The first call began. */
  begin(): void {
    // Calls follow one another within a millisecond, and a look costs a tenth of one.
    const nowMs = performance.now();
    if (nowMs - this.#restedAtMs >= CHECK_EVERY_MS) {
      this.#restingBytes = process.memoryUsage.rss();
      this.#restedAtMs = nowMs;
    }
    this.#timer = setInterval(() => this.#look(), CHECK_EVERY_MS);
  }

  /** The last call ended. */
  end(): void {
    clearInterval(this.#timer);
    if (this.#exceeded) collectGarbage();
    this.#exceeded = false;
  }

  #look(): void {
    const heldBytes = process.memoryUsage.rss();
    if (heldBytes <= Math.max(this.#limitBytes(), this.#restingBytes + ROOM_BYTES)) return;
    this.#exceeded = true;
    this.#onExceeded(heldBytes);
  }
}
