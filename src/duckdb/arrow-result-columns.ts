import {
  DuckDBArrayType,
  DuckDBEnumType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTypeId,
  DuckDBUnionType,
  type DuckDBDataChunk,
  type DuckDBType,
} from '@duckdb/node-api';
import type { BatchParts } from './arrow-batch-parts.ts';
import type { ResultColumn } from './arrow-result-column.ts';
import { BooleanResult, FixedResult, NullResult } from './arrow-result-fixed.ts';
import { fixedLayout } from './arrow-result-layouts.ts';
import { FixedListResult, ListResult, StructResult, UnionResult } from './arrow-result-nested.ts';
import { EnumResult, TextResult, ValueTextResult } from './arrow-result-text.ts';
import { columnVector } from './raw-vector.ts';
import type { TypedColumn } from './type-map.ts';

/** Turns chunks of one result into record batches. */
export interface BatchEncoder {
  /**
   * Adds rows of a chunk, all of them in order, as they come in windows.
   * @returns about how many bytes are held then
   * @throws ValueOutOfRange (`field`)
   */
  append(chunk: DuckDBDataChunk, start: number, end: number): number;
  /** What was gathered; its memory is written again by the next `append`. */
  take(): BatchParts;
}

/** DuckDB's memory becomes Arrow's buffers as it is, column by column, copied in bulk. */
export class RawEncoder implements BatchEncoder {
  readonly #columns: readonly ResultColumn[];

  constructor(columns: readonly TypedColumn[]) {
    this.#columns = columns.map(({ name, type }) => resultColumn(type, name));
  }

  append({ chunk, rowCount }: DuckDBDataChunk, start: number, end: number): number {
    if (start === 0) this.#columns.forEach((column, index) => column.open(columnVector(chunk, index), rowCount));
    let bytes = 0;
    for (const column of this.#columns) {
      column.append({ start, count: end - start });
      bytes += column.bytes;
    }
    return bytes;
  }

  take(): BatchParts {
    const parts: BatchParts = { nodes: [], buffers: [] };
    for (const column of this.#columns) column.take(parts);
    return parts;
  }
}

/** @param path names the column in errors */
function resultColumn(type: DuckDBType, path: string): ResultColumn {
  const columnOf = (nested: DuckDBType): ResultColumn => resultColumn(nested, path);
  if (type instanceof DuckDBListType) return new ListResult(columnOf(type.valueType));
  if (type instanceof DuckDBArrayType) return new FixedListResult(columnOf(type.valueType), type.length);
  if (type instanceof DuckDBStructType) return new StructResult(type.entryTypes.map(columnOf));
  if (type instanceof DuckDBMapType) return new ListResult(new StructResult([columnOf(type.keyType), columnOf(type.valueType)]));
  if (type instanceof DuckDBUnionType) return new UnionResult(type.memberTags, type.memberTypes.map(columnOf), path);
  if (type instanceof DuckDBEnumType) return new EnumResult(type.values, path);
  switch (type.typeId) {
    case DuckDBTypeId.SQLNULL:
      return new NullResult();
    case DuckDBTypeId.BOOLEAN:
      return new BooleanResult();
    case DuckDBTypeId.VARCHAR:
    case DuckDBTypeId.BLOB:
    case DuckDBTypeId.GEOMETRY:
      return new TextResult(path);
    default: {
      const layout = fixedLayout(type, path);
      return layout === undefined ? new ValueTextResult(type, path) : new FixedResult(layout);
    }
  }
}
