import { ValueOutOfRange } from '../domain/errors.ts';
import type { ArrowColumn, ChunkWriting } from './arrow-column.ts';
import type { ListColumn, StructColumn } from './arrow-lists.ts';
import type { Vector } from './raw-vector.ts';
import type { Rows } from './rows.ts';

/** Maps: lists of key and value. DuckDB's have no null key and no key twice, and its chunks are not checked for it. */
export class MapColumn implements ArrowColumn {
  readonly #path: string;
  readonly #lists: ListColumn<StructColumn>;

  /** @param path names the map in errors */
  constructor(lists: ListColumn<StructColumn>, path: string) {
    this.#lists = lists;
    this.#path = path;
  }

  get length(): number {
    return this.#lists.length;
  }

  write(vector: Vector, rows: Rows, writing: ChunkWriting): void {
    for (const { begin, size } of this.#lists.spansOf(rows)) this.#checkKeys(begin, size);
    this.#lists.write(vector, rows, writing);
  }

  identityOf(row: number): string | undefined {
    return this.#lists.identityOf(row);
  }

  followedBy(next: MapColumn): MapColumn {
    return new MapColumn(this.#lists.followedBy(next.#lists), this.#path);
  }

  #checkKeys(begin: number, size: number): void {
    const seen = size > 1 ? new Set<string>() : undefined;
    for (let entry = begin; entry < begin + size; entry++) {
      const key = this.#lists.items.fieldsAt(entry)?.[0]?.identityOf(entry);
      if (key === undefined) throw this.#refused('a null key');
      if (seen?.has(key) === true) throw this.#refused('a key twice');
      seen?.add(key);
    }
  }

  #refused(problem: string): Error {
    return new ValueOutOfRange(`The map "${this.#path}" has ${problem}, which MAP cannot hold`, { field: this.#path });
  }
}
