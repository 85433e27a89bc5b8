const FIRST_ROWS = 64;
const TARGET_BYTES = 1_048_576;

/** Cuts chunks into windows of at most about 1 MiB encoded: 2,048 rows of long values are too many to hold a second time. */
export class RowWindows {
  readonly #rowsMax: number;
  #rows = FIRST_ROWS;

  constructor(rowsMax = Infinity) {
    this.#rowsMax = rowsMax;
  }

  /** @param encode encodes the rows of a window and returns how many bytes they took */
  *cut(rowCount: number, encode: (start: number, end: number) => number): Generator<void, void, void> {
    for (let start = 0; start < rowCount;) {
      const end = Math.min(start + this.#rows, rowCount);
      const bytesPerRow = Math.max(encode(start, end), 1) / (end - start);
      // At most twice as many as before: rows may grow.
      this.#rows = Math.max(1, Math.min(this.#rowsMax, this.#rows * 2, Math.floor(TARGET_BYTES / bytesPerRow)));
      yield;
      start = end;
    }
  }
}
