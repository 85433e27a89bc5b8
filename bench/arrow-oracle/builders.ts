import {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTypeId,
  DuckDBUnionType,
  SQLNULL,
  VARCHAR,
  type DuckDBArrayValue,
  type DuckDBBlobValue,
  type DuckDBDateValue,
  type DuckDBDecimalValue,
  type DuckDBIntervalValue,
  type DuckDBListValue,
  type DuckDBMapValue,
  type DuckDBStructValue,
  type DuckDBTimeNSValue,
  type DuckDBTimestampMillisecondsValue,
  type DuckDBTimestampNanosecondsValue,
  type DuckDBTimestampSecondsValue,
  type DuckDBTimestampValue,
  type DuckDBTimeValue,
  type DuckDBType,
  type DuckDBUnionValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import type { BatchParts } from '../../src/duckdb/arrow-batch-parts.ts';
import { outOfRange } from '../../src/duckdb/arrow-result-column.ts';
import { Growing } from '../../src/duckdb/arrow-growing.ts';
import { valueText } from '../../src/duckdb/value-text.ts';
import { Offsets, Rows } from './batch-parts.ts';
import { GrowingBits } from './growing-bits.ts';
import { writeInt128, writeInterval } from './wide-values.ts';

const HEAP_MAX_BYTES = 2 ** 30;

/** Gathers the values of one column, nested ones included, until they are taken as a batch. */
export interface ColumnBuilder {
  /** About how much `take` will hand out. */
  readonly bytes: number;
  append(value: DuckDBValue): void;
  /** Hands out what was gathered; its memory is written again by the next `append`. */
  take(parts: BatchParts): void;
}

type Numbers = Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array | BigInt64Array | BigUint64Array;
type Write<T> = (items: T, at: number, value: NonNullable<DuckDBValue>) => void;

/** @throws ValueOutOfRange (`field`), from `append`, for what the Arrow type of the column cannot hold */
export function columnBuilder(type: DuckDBType, path: string): ColumnBuilder {
  if (type instanceof DuckDBListType) return new ListBuilder(columnBuilder(type.valueType, path), (value) => (value as DuckDBListValue).items);
  if (type instanceof DuckDBArrayType) return new FixedListBuilder(columnBuilder(type.valueType, path), type.length);
  if (type instanceof DuckDBStructType) return structBuilder(type, path);
  if (type instanceof DuckDBMapType) return mapBuilder(type, path);
  if (type instanceof DuckDBUnionType) return unionBuilder(type, path);
  switch (type.typeId) {
    case DuckDBTypeId.SQLNULL:
      return new NullBuilder();
    case DuckDBTypeId.BOOLEAN:
      return new BoolBuilder();
    case DuckDBTypeId.BLOB:
    case DuckDBTypeId.GEOMETRY:
      return new BytesBuilder(writeBytes, path);
    default:
      return fixedWidthBuilder(type, path) ?? new BytesBuilder(type.typeId === DuckDBTypeId.VARCHAR ? writeText : writeAsText(type), path);
  }
}

function fixedWidthBuilder(type: DuckDBType, path: string): ColumnBuilder | undefined {
  const plain = <T extends Numbers>(Type: new (length: number) => T) => new FixedWidthBuilder(Type, 1, (items, at, value) => (items[at] = value as never));
  const int64 = (read: (value: never) => bigint) => new FixedWidthBuilder(BigInt64Array, 1, (items, at, value) => (items[at] = read(value as never)));
  switch (type.typeId) {
    case DuckDBTypeId.TINYINT:
      return plain(Int8Array);
    case DuckDBTypeId.SMALLINT:
      return plain(Int16Array);
    case DuckDBTypeId.INTEGER:
      return plain(Int32Array);
    case DuckDBTypeId.BIGINT:
      return plain(BigInt64Array);
    case DuckDBTypeId.UTINYINT:
      return plain(Uint8Array);
    case DuckDBTypeId.USMALLINT:
      return plain(Uint16Array);
    case DuckDBTypeId.UINTEGER:
      return plain(Uint32Array);
    case DuckDBTypeId.UBIGINT:
      return plain(BigUint64Array);
    case DuckDBTypeId.FLOAT:
      return plain(Float32Array);
    case DuckDBTypeId.DOUBLE:
      return plain(Float64Array);
    case DuckDBTypeId.DATE:
      return new FixedWidthBuilder(Int32Array, 1, (items, at, value) => (items[at] = (value as DuckDBDateValue).days));
    case DuckDBTypeId.TIME:
      return int64((value: DuckDBTimeValue) => value.micros);
    case DuckDBTypeId.TIME_NS:
      return int64((value: DuckDBTimeNSValue) => value.nanos);
    case DuckDBTypeId.TIMESTAMP_S:
      return int64((value: DuckDBTimestampSecondsValue) => value.seconds);
    case DuckDBTypeId.TIMESTAMP_MS:
      return int64((value: DuckDBTimestampMillisecondsValue) => value.millis);
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_TZ:
      return int64((value: DuckDBTimestampValue) => value.micros);
    case DuckDBTypeId.TIMESTAMP_NS:
      return int64((value: DuckDBTimestampNanosecondsValue) => value.nanos);
    case DuckDBTypeId.HUGEINT:
    case DuckDBTypeId.UHUGEINT:
      return new FixedWidthBuilder(BigUint64Array, 2, (items, at, value) => writeInt128(items, at, value as bigint, path));
    case DuckDBTypeId.INTERVAL:
      return new FixedWidthBuilder(Int32Array, 4, (items, at, value) => writeInterval(items, at, value as DuckDBIntervalValue, path));
    default:
      if (!(type instanceof DuckDBDecimalType)) return undefined;
      return new FixedWidthBuilder(BigUint64Array, 2, (items, at, value) => writeInt128(items, at, (value as DuckDBDecimalValue).value, path));
  }
}

function writeBytes(heap: Growing<Uint8Array>, value: NonNullable<DuckDBValue>): void {
  const { bytes } = value as DuckDBBlobValue;
  const start = heap.extend(bytes.length); // may move `items`
  heap.items.set(bytes, start);
}

function writeText(heap: Growing<Uint8Array>, value: NonNullable<DuckDBValue>): void {
  const text = value as string;
  const start = heap.extend(text.length * 3); // the most UTF-8 takes for a UTF-16 unit
  const { items } = heap;
  heap.length = start + Buffer.from(items.buffer, items.byteOffset, items.byteLength).write(text, start, 'utf8');
}

function writeAsText(type: DuckDBType) {
  return (heap: Growing<Uint8Array>, value: NonNullable<DuckDBValue>) => writeText(heap, valueText(type, value));
}

class NullBuilder implements ColumnBuilder {
  readonly bytes = 0;
  private length = 0;

  append(): void {
    this.length++;
  }

  take(parts: BatchParts): void {
    parts.nodes.push({ length: this.length, nullCount: this.length });
    this.length = 0;
  }
}

class BoolBuilder implements ColumnBuilder {
  private readonly rows = new Rows();
  private readonly values = new GrowingBits();

  get bytes(): number {
    return this.values.count / 8;
  }

  append(value: DuckDBValue): void {
    this.rows.push(value);
    this.values.push(value === true);
  }

  take(parts: BatchParts): void {
    this.rows.take(parts);
    parts.buffers.push(this.values.take());
  }
}

class FixedWidthBuilder<T extends Numbers> implements ColumnBuilder {
  private readonly rows = new Rows();
  private readonly values: Growing<T>;
  private readonly zero: never;
  private readonly width: number;
  private readonly write: Write<T>;

  constructor(Type: new (length: number) => T, width: number, write: Write<T>) {
    this.values = new Growing(Type);
    this.zero = new Type(1)[0] as never; // 0 or 0n
    this.width = width;
    this.write = write;
  }

  get bytes(): number {
    return this.values.bytes;
  }

  append(value: DuckDBValue): void {
    const at = this.values.extend(this.width);
    if (this.rows.push(value)) this.write(this.values.items, at, value);
    else this.values.items.fill(this.zero, at, at + this.width);
  }

  take(parts: BatchParts): void {
    this.rows.take(parts);
    parts.buffers.push(this.values.take());
  }
}

class BytesBuilder implements ColumnBuilder {
  private readonly rows = new Rows();
  private readonly offsets = new Offsets();
  private readonly heap = new Growing(Uint8Array);
  private readonly write: (heap: Growing<Uint8Array>, value: NonNullable<DuckDBValue>) => void;
  private readonly path: string;

  constructor(write: (heap: Growing<Uint8Array>, value: NonNullable<DuckDBValue>) => void, path: string) {
    this.write = write;
    this.path = path;
  }

  get bytes(): number {
    return this.heap.length + this.offsets.bytes;
  }

  append(value: DuckDBValue): void {
    if (this.rows.push(value)) this.write(this.heap, value);
    if (this.heap.length > HEAP_MAX_BYTES) throw outOfRange(this.path, `2,048 rows of it take more than ${HEAP_MAX_BYTES} bytes`);
    this.offsets.push(this.heap.length);
  }

  take(parts: BatchParts): void {
    this.rows.take(parts);
    parts.buffers.push(this.offsets.take(), this.heap.take());
  }
}

class ListBuilder implements ColumnBuilder {
  private readonly rows = new Rows();
  private readonly offsets = new Offsets();
  private readonly child: ColumnBuilder;
  private readonly itemsOf: (value: NonNullable<DuckDBValue>) => readonly DuckDBValue[];
  private items = 0;

  constructor(child: ColumnBuilder, itemsOf: (value: NonNullable<DuckDBValue>) => readonly DuckDBValue[]) {
    this.child = child;
    this.itemsOf = itemsOf;
  }

  get bytes(): number {
    return this.child.bytes + this.offsets.bytes;
  }

  append(value: DuckDBValue): void {
    if (this.rows.push(value)) {
      const items = this.itemsOf(value);
      for (const item of items) this.child.append(item);
      this.items += items.length;
    }
    this.offsets.push(this.items);
  }

  take(parts: BatchParts): void {
    this.rows.take(parts);
    parts.buffers.push(this.offsets.take());
    this.child.take(parts);
    this.items = 0;
  }
}

class FixedListBuilder implements ColumnBuilder {
  private readonly rows = new Rows();
  private readonly child: ColumnBuilder;
  private readonly size: number;

  constructor(child: ColumnBuilder, size: number) {
    this.child = child;
    this.size = size;
  }

  get bytes(): number {
    return this.child.bytes;
  }

  append(value: DuckDBValue): void {
    const items = this.rows.push(value) ? (value as DuckDBArrayValue).items : undefined;
    for (let index = 0; index < this.size; index++) this.child.append(items?.[index] ?? null);
  }

  take(parts: BatchParts): void {
    this.rows.take(parts);
    this.child.take(parts);
  }
}

interface StructChild {
  readonly builder: ColumnBuilder;
  readonly valueOf: (value: NonNullable<DuckDBValue>) => DuckDBValue;
}

class StructBuilder implements ColumnBuilder {
  private readonly rows = new Rows();
  private readonly children: readonly StructChild[];

  constructor(children: readonly StructChild[]) {
    this.children = children;
  }

  get bytes(): number {
    return this.rows.length / 8 + this.children.reduce((sum, { builder }) => sum + builder.bytes, 0);
  }

  append(value: DuckDBValue): void {
    const isValue = this.rows.push(value);
    for (const { builder, valueOf } of this.children) builder.append(isValue ? valueOf(value) : null);
  }

  take(parts: BatchParts): void {
    this.rows.take(parts);
    for (const { builder } of this.children) builder.take(parts);
  }
}

function structBuilder(type: DuckDBStructType, path: string): ColumnBuilder {
  return new StructBuilder(
    type.entryNames.map((name, index) => ({
      builder: columnBuilder(type.entryTypes[index]!, path),
      valueOf: (value) => (value as DuckDBStructValue).entries[name]!,
    })),
  );
}

function mapBuilder(type: DuckDBMapType, path: string): ColumnBuilder {
  const entries = new StructBuilder([
    { builder: columnBuilder(type.keyType, path), valueOf: (value) => (value as unknown as { key: DuckDBValue }).key },
    { builder: columnBuilder(type.valueType, path), valueOf: (value) => (value as unknown as { value: DuckDBValue }).value },
  ]);
  return new ListBuilder(entries, (value) => (value as DuckDBMapValue).entries);
}

function unionBuilder(type: DuckDBUnionType, path: string): ColumnBuilder {
  const members = type.memberTags.map((tag, index): StructChild => ({
    builder: columnBuilder(type.memberTypes[index] ?? SQLNULL, path),
    valueOf: (value) => ((value as DuckDBUnionValue).tag === tag ? (value as DuckDBUnionValue).value : null),
  }));
  return new StructBuilder([{ builder: columnBuilder(VARCHAR, path), valueOf: (value) => (value as DuckDBUnionValue).tag }, ...members]);
}
