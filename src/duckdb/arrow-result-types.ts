import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  IntervalMonthDayNano,
  List,
  Map_,
  Null,
  Struct,
  TimeMicrosecond,
  TimeNanosecond,
  Timestamp,
  TimeUnit,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
} from 'apache-arrow';
import {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTypeId,
  DuckDBUnionType,
  type DuckDBType,
} from '@duckdb/node-api';
import { UnsupportedType } from '../domain/errors.ts';
import { DECIMAL_DIGITS_MAX } from './type-map.ts';

const SIMPLE: Partial<Record<DuckDBTypeId, () => DataType>> = {
  [DuckDBTypeId.BOOLEAN]: () => new Bool(),
  [DuckDBTypeId.TINYINT]: () => new Int8(),
  [DuckDBTypeId.SMALLINT]: () => new Int16(),
  [DuckDBTypeId.INTEGER]: () => new Int32(),
  [DuckDBTypeId.BIGINT]: () => new Int64(),
  [DuckDBTypeId.UTINYINT]: () => new Uint8(),
  [DuckDBTypeId.USMALLINT]: () => new Uint16(),
  [DuckDBTypeId.UINTEGER]: () => new Uint32(),
  [DuckDBTypeId.UBIGINT]: () => new Uint64(),
  [DuckDBTypeId.FLOAT]: () => new Float32(),
  [DuckDBTypeId.DOUBLE]: () => new Float64(),
  [DuckDBTypeId.HUGEINT]: () => new Decimal(0, DECIMAL_DIGITS_MAX, 128),
  [DuckDBTypeId.UHUGEINT]: () => new Decimal(0, DECIMAL_DIGITS_MAX, 128),
  [DuckDBTypeId.DATE]: () => new DateDay(),
  [DuckDBTypeId.TIME]: () => new TimeMicrosecond(),
  [DuckDBTypeId.TIME_NS]: () => new TimeNanosecond(),
  [DuckDBTypeId.TIMESTAMP_S]: () => new Timestamp(TimeUnit.SECOND),
  [DuckDBTypeId.TIMESTAMP_MS]: () => new Timestamp(TimeUnit.MILLISECOND),
  [DuckDBTypeId.TIMESTAMP]: () => new Timestamp(TimeUnit.MICROSECOND),
  [DuckDBTypeId.TIMESTAMP_NS]: () => new Timestamp(TimeUnit.NANOSECOND),
  [DuckDBTypeId.TIMESTAMP_TZ]: () => new Timestamp(TimeUnit.MICROSECOND, 'UTC'),
  [DuckDBTypeId.INTERVAL]: () => new IntervalMonthDayNano(),
  [DuckDBTypeId.BLOB]: () => new Binary(),
  [DuckDBTypeId.GEOMETRY]: () => new Binary(),
  [DuckDBTypeId.SQLNULL]: () => new Null(),
};

/** Types Arrow has no counterpart for travel as text: what a cast to VARCHAR gives, VARIANT as JSON. */
const AS_TEXT: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.VARCHAR,
  DuckDBTypeId.ENUM,
  DuckDBTypeId.UUID,
  DuckDBTypeId.BIT,
  DuckDBTypeId.TIME_TZ,
  DuckDBTypeId.BIGNUM,
  DuckDBTypeId.VARIANT,
]);

/**
 * The Arrow type a DuckDB type is sent as. HUGEINT and UHUGEINT are decimal128(38, 0), INTERVAL is months, days and
 * nanoseconds, a UNION is a struct of `tag` and one field for each member.
 * @throws UnsupportedType (`field`) for what a result cannot have
 */
export function arrowResultType(type: DuckDBType, path: string): DataType {
  const simple = SIMPLE[type.typeId];
  if (simple !== undefined) return simple();
  if (AS_TEXT.has(type.typeId)) return new Utf8();
  if (type instanceof DuckDBDecimalType) return new Decimal(type.scale, type.width, 128);
  if (type instanceof DuckDBListType) return new List(nested('item', type.valueType, path));
  if (type instanceof DuckDBArrayType) return new FixedSizeList(type.length, nested('item', type.valueType, path));
  if (type instanceof DuckDBStructType) return new Struct(type.entryNames.map((name, index) => nested(name, type.entryTypes[index]!, path)));
  if (type instanceof DuckDBMapType) return mapType(type, path);
  if (type instanceof DuckDBUnionType) {
    return new Struct([new Field('tag', new Utf8(), true), ...type.memberTags.map((tag, index) => nested(tag, type.memberTypes[index]!, path))]);
  }
  throw new UnsupportedType(`The result column "${path}" of type ${type} cannot be sent: cast it to another type`, { field: path });
}

function mapType(type: DuckDBMapType, path: string): DataType {
  const key = new Field('key', arrowResultType(type.keyType, path), false);
  return new Map_(new Field('entries', new Struct({ fields: [key, nested('value', type.valueType, path)] }.fields), false) as never);
}

function nested(name: string, type: DuckDBType, path: string): Field {
  // such an entry is lost when a struct is read as a JavaScript object
  if (name === '__proto__') throw new UnsupportedType(`The result column "${path}" has a field "__proto__", which cannot be sent: rename it`, { field: path });
  return new Field(name, arrowResultType(type, path), true);
}
