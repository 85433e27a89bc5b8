import type { DecodeBudget } from './arrow-budget.ts';
import type { Vector } from './raw-vector.ts';
import type { Rows } from './rows.ts';
import type { Scratch } from './scratch.ts';
import type { StringHeap } from './string-heap.ts';

/** What writing into the vectors of one chunk needs besides them. */
export interface ChunkWriting {
  readonly budget: DecodeBudget;
  /** Kept until the chunk was appended. */
  readonly heap: StringHeap;
  readonly picked: Scratch;
  readonly converted: Scratch;
}

/** One column of a batch over its checked buffers, nested ones included. */
export interface ArrowColumn {
  readonly length: number;
  /**
   * Writes the rows into the vector, from its first row on, each value checked.
   * @throws InvalidArrow, ValueOutOfRange (`field`), OverBudget before anything too large is allocated
   */
  write(vector: Vector, rows: Rows, writing: ChunkWriting): void;
  /** Equal for two rows exactly when DuckDB holds them equal; undefined for NULL. */
  identityOf(row: number): string | undefined;
  /** This column with the rows of another one of the same type behind its own. */
  followedBy(next: ArrowColumn): ArrowColumn;
}
