/** What a value costs besides its bytes: about what JavaScript and a DuckDB vector need for it. */
export const VALUE_BYTES = 16;

/** Thrown when rows need more than their budget; the caller takes fewer rows, or refuses the one that is too large. */
export class OverBudget extends Error {}

/**
 * Bounds what a few hostile bytes can be decoded into: overlapping list views, dictionary values and runs name the same
 * bytes many times over, and null columns have none at all. It is charged before anything is allocated.
 */
export class DecodeBudget {
  spentBytes = 0;
  private readonly maxBytes: number;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  take(bytes: number): void {
    this.spentBytes += bytes;
    if (this.spentBytes > this.maxBytes) throw new OverBudget();
  }
}
