import { DuckDBArrayValue, DuckDBListValue, DuckDBMapValue, DuckDBStructValue, type DuckDBMapEntry, type DuckDBValue } from '@duckdb/node-api';
import { ValueOutOfRange } from '../../src/domain/errors.ts';
import { VALUE_BYTES, type DecodeBudget } from '../../src/duckdb/arrow-budget.ts';
import { readValidity, typed, type BatchCursor, type Validity } from '../../src/duckdb/arrow-buffers.ts';
import type { Dictionaries } from './dictionaries.ts';
import { broken } from '../../src/duckdb/arrow-flatbuffer.ts';
import { fixedWidthValues } from './fixed-width.ts';
import type { ArrowField, OffsetWidth } from '../../src/duckdb/arrow-schema.ts';
import { textOrBytes, textOrBytesViews } from './text.ts';
import { nullsIn, readOffsets, rows, type NullMask, type ReadOffsets, type ReadValues } from './window.ts';

export interface ArrowColumn {
  readonly length: number;
  readonly read: ReadValues;
}

/**
 * One column of a batch: buffer sizes are checked here, values (offsets, UTF-8, indices, ranges) when a window is read.
 * @throws InvalidArrow
 */
export function openColumn(field: ArrowField, cursor: BatchCursor, dictionaries: Dictionaries): ArrowColumn {
  const node = cursor.nextNode();
  const { length } = node;
  const { type } = field;
  if (field.dictionary === undefined && type.kind === 'null') return { length, read: nulls };
  if (field.dictionary === undefined && type.kind === 'runEndEncoded') return runEndEncoded(field, length, cursor, dictionaries);
  const validity = readValidity(cursor.nextBuffer(), node);
  if (field.dictionary !== undefined) return { length, read: dictionaries.indexed(field.dictionary, cursor.nextBuffer(), length, validity) };
  switch (type.kind) {
    case 'utf8':
    case 'binary': {
      const read =
        type.offsets === 'view'
          ? textOrBytesViews(type.kind, cursor.nextBuffer(), cursor.nextVariadicBuffers(), length, validity)
          : textOrBytes(type.kind, type.offsets, cursor.nextBuffer(), cursor.nextBuffer(), length, validity);
      return { length, read };
    }
    case 'list':
      return list(field, type.offsets, length, validity, cursor, dictionaries);
    case 'listView':
      return listView(field, type.offsets, length, validity, cursor, dictionaries);
    case 'fixedList':
      return fixedList(field, type.size, length, validity, cursor, dictionaries);
    case 'struct':
      return struct(field, length, validity, cursor, dictionaries);
    case 'map':
      return map(field, length, validity, cursor, dictionaries);
    default:
      return { length, read: fixedWidthValues(field, cursor.nextBuffer(), length, validity) };
  }
}

function nulls(_start: number, count: number, _parents: NullMask, budget: DecodeBudget): DuckDBValue[] {
  budget.take(count * VALUE_BYTES);
  return new Array<DuckDBValue>(count).fill(null);
}

/** Null rows may cover items; those are masked too, since nobody promised that they hold values. */
function itemNulls(rowNulls: NullMask, offsets: ArrayLike<number>): NullMask {
  if (rowNulls === undefined) return undefined;
  const first = offsets[0]!;
  let items: Uint8Array | undefined;
  for (let row = 0; row < rowNulls.length; row++) {
    if (rowNulls[row] === 0 || offsets[row] === offsets[row + 1]) continue;
    items ??= new Uint8Array(offsets[offsets.length - 1]! - first);
    items.fill(1, offsets[row]! - first, offsets[row + 1]! - first);
  }
  return items;
}

function list(field: ArrowField, width: OffsetWidth, length: number, validity: Validity, cursor: BatchCursor, dictionaries: Dictionaries): ArrowColumn {
  const offsetBytes = cursor.nextBuffer();
  const child = openColumn(field.children[0]!, cursor, dictionaries);
  const offsetsOf = readOffsets(offsetBytes, width, length, child.length);
  const read: ReadValues = (start, count, parents, budget) => {
    budget.take(count * VALUE_BYTES);
    const rowNulls = nullsIn(validity, start, count, parents);
    const { offsets, items } = listItems(offsetsOf, start, count, rowNulls, child, budget);
    return rows(count, rowNulls, (row) => new DuckDBListValue(items.slice(offsets[row]! - offsets[0]!, offsets[row + 1]! - offsets[0]!)));
  };
  return { length, read };
}

function listItems(offsetsOf: ReadOffsets, start: number, count: number, rowNulls: NullMask, child: ArrowColumn, budget: DecodeBudget) {
  const offsets = offsetsOf(start, count);
  const first = offsets[0]!;
  const total = offsets[offsets.length - 1]! - first;
  budget.take(total * VALUE_BYTES);
  const items = child.read(first, total, itemNulls(rowNulls, offsets), budget);
  return { offsets, items };
}

function listView(field: ArrowField, width: OffsetWidth, length: number, validity: Validity, cursor: BatchCursor, dictionaries: Dictionaries): ArrowColumn {
  const Offsets = width === 4 ? Int32Array : BigInt64Array;
  const offsets = typed<Int32Array | BigInt64Array>(cursor.nextBuffer(), Offsets, length);
  const sizes = typed<Int32Array | BigInt64Array>(cursor.nextBuffer(), Offsets, length);
  const child = openColumn(field.children[0]!, cursor, dictionaries);
  const read: ReadValues = (start, count, parents, budget) => {
    budget.take(count * VALUE_BYTES);
    return rows(count, nullsIn(validity, start, count, parents), (row) => {
      const offset = Number(offsets[start + row]);
      const size = Number(sizes[start + row]);
      if (offset < 0 || size < 0 || offset + size > child.length) throw broken('a list view outside of its values');
      return new DuckDBListValue(child.read(offset, size, undefined, budget));
    });
  };
  return { length, read };
}

function fixedList(field: ArrowField, size: number, length: number, validity: Validity, cursor: BatchCursor, dictionaries: Dictionaries): ArrowColumn {
  const child = openColumn(field.children[0]!, cursor, dictionaries);
  if (child.length < length * size) throw broken('a fixed-size list with too few items');
  const read: ReadValues = (start, count, parents, budget) => {
    budget.take(count * VALUE_BYTES * size);
    const rowNulls = nullsIn(validity, start, count, parents);
    const mask = rowNulls === undefined ? undefined : new Uint8Array(count * size);
    rowNulls?.forEach((isNull, row) => mask!.fill(isNull, row * size, (row + 1) * size));
    const items = child.read(start * size, count * size, mask, budget);
    return rows(count, rowNulls, (row) => new DuckDBArrayValue(items.slice(row * size, (row + 1) * size)));
  };
  return { length, read };
}

function struct(field: ArrowField, length: number, validity: Validity, cursor: BatchCursor, dictionaries: Dictionaries): ArrowColumn {
  const names = field.children.map(({ name }) => name);
  const children = field.children.map((child) => openColumn(child, cursor, dictionaries));
  if (children.some((child) => child.length < length)) throw broken('a struct with too few values');
  const read: ReadValues = (start, count, parents, budget) => {
    budget.take(count * VALUE_BYTES);
    const rowNulls = nullsIn(validity, start, count, parents);
    const columns = children.map((child) => child.read(start, count, rowNulls, budget));
    return rows(count, rowNulls, (row) => {
      const entries: Record<string, DuckDBValue> = {};
      for (let index = 0; index < names.length; index++) entries[names[index]!] = columns[index]![row]!;
      return new DuckDBStructValue(entries);
    });
  };
  return { length, read };
}

function map(field: ArrowField, length: number, validity: Validity, cursor: BatchCursor, dictionaries: Dictionaries): ArrowColumn {
  const offsetBytes = cursor.nextBuffer();
  const [key, value] = field.children[0]!.children;
  // whatever the two are called, DuckDB calls them so
  const renamed = {
    ...field.children[0]!,
    children: [
      { ...key!, name: 'key' },
      { ...value!, name: 'value' },
    ],
  };
  const entries = openColumn(renamed, cursor, dictionaries);
  const offsetsOf = readOffsets(offsetBytes, 4, length, entries.length);
  const read: ReadValues = (start, count, parents, budget) => {
    budget.take(count * VALUE_BYTES);
    const rowNulls = nullsIn(validity, start, count, parents);
    const { offsets, items } = listItems(offsetsOf, start, count, rowNulls, entries, budget);
    return rows(count, rowNulls, (row) => {
      const own = items.slice(offsets[row]! - offsets[0]!, offsets[row + 1]! - offsets[0]!);
      return mapValue(field, own);
    });
  };
  return { length, read };
}

/** DuckDB's maps have no null key and no key twice, and its chunks are not checked for it. */
function mapValue(field: ArrowField, structs: readonly DuckDBValue[]): DuckDBMapValue {
  const seen = new Set<unknown>();
  const entries = structs.map((pair): DuckDBMapEntry => {
    const { key = null, value = null } = pair instanceof DuckDBStructValue ? pair.entries : {};
    const identity = key instanceof Object ? String(key) : key;
    if (key === null || seen.has(identity)) {
      const problem = key === null ? 'a null key' : `the key ${String(key)} twice`;
      throw new ValueOutOfRange(`The map "${field.path}" has ${problem}, which MAP cannot hold`, { field: field.path });
    }
    seen.add(identity);
    return { key, value };
  });
  return new DuckDBMapValue(entries);
}

function runEndEncoded(field: ArrowField, length: number, cursor: BatchCursor, dictionaries: Dictionaries): ArrowColumn {
  const ends = readRunEnds(field.children[0]!, cursor);
  const values = openColumn(field.children[1]!, cursor, dictionaries);
  if (values.length < ends.length || (ends.at(-1) ?? 0) < length) throw broken('runs that do not cover their column');
  const read: ReadValues = (start, count, parents, budget) => {
    budget.take(count * VALUE_BYTES);
    const out = new Array<DuckDBValue>(count);
    let run = ends.findIndex((end) => end > start);
    for (let row = 0; row < count; run++) {
      const until = Math.min(ends[run]! - start, count);
      for (; row < until; row++) out[row] = parents?.[row] === 1 ? null : values.read(run, 1, undefined, budget)[0]!;
    }
    return out;
  };
  return { length, read };
}

function readRunEnds(field: ArrowField, cursor: BatchCursor): number[] {
  const node = cursor.nextNode();
  if (readValidity(cursor.nextBuffer(), node) !== undefined) throw broken('a run end that is null');
  const bits = field.type.kind === 'int' ? field.type.bits : 0;
  const Ends = bits === 16 ? Int16Array : bits === 32 ? Int32Array : BigInt64Array;
  const ends = Array.from(typed<Int16Array | Int32Array | BigInt64Array>(cursor.nextBuffer(), Ends, node.length), Number);
  if (ends.some((end, index) => !(end > (ends[index - 1] ?? 0)))) throw broken('run ends that do not ascend');
  return ends;
}
