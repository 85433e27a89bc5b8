import { ValueOutOfRange } from '../domain/errors.ts';
import type { BatchParts } from './arrow-batch-parts.ts';
import type { Vector } from './raw-vector.ts';
import type { Rows } from './rows.ts';

/** Gathers one column of a result, nested ones included, until it is taken as a batch. */
export interface ResultColumn {
  /** About how much `take` will hand out. */
  readonly bytes: number;
  /** Looks at a vector of so many rows: it is read until the next one is opened. */
  open(vector: Vector, size: number): void;
  /**
   * Adds rows of the open vector. Those that are not valid are not looked at: DuckDB need not have put anything there.
   * @throws ValueOutOfRange (`field`) for what the Arrow type of the column cannot hold
   */
  append(rows: Rows): void;
  /** Hands out what was gathered; its memory is written again by the next `append`. */
  take(parts: BatchParts): void;
}

export function outOfRange(path: string, what: string): Error {
  return new ValueOutOfRange(`Arrow cannot hold a value of the column "${path}": ${what}`, { field: path });
}
