import type { DuckDBValue } from '@duckdb/node-api';
import type { BatchParts } from '../../src/duckdb/arrow-batch-parts.ts';
import { Growing } from '../../src/duckdb/arrow-growing.ts';
import { GrowingBits } from './growing-bits.ts';

/** Validity, which all columns but nulls have; left out when every value is valid. */
export class Rows {
  private readonly valid = new GrowingBits();

  push(value: DuckDBValue): value is NonNullable<DuckDBValue> {
    this.valid.push(value !== null);
    return value !== null;
  }

  get length(): number {
    return this.valid.count;
  }

  take(parts: BatchParts): void {
    const nullCount = this.valid.count - this.valid.ones;
    parts.nodes.push({ length: this.valid.count, nullCount });
    const bitmap = this.valid.take();
    parts.buffers.push(nullCount === 0 ? new Uint8Array(0) : bitmap);
  }
}

/** Offsets of a list, string or binary column: one more than it has rows. */
export class Offsets {
  private readonly ends = new Growing(Int32Array);

  constructor() {
    this.push(0);
  }

  push(end: number): void {
    const at = this.ends.extend(1); // may move `items`
    this.ends.items[at] = end;
  }

  get bytes(): number {
    return this.ends.bytes;
  }

  take(): Uint8Array {
    const bytes = this.ends.take().slice(); // the next batch begins to write at once
    this.push(0);
    return bytes;
  }
}
