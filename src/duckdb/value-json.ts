import {
  DuckDBArrayType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTypeId,
  DuckDBUnionType,
  VARCHAR,
  type DuckDBArrayValue,
  type DuckDBBlobValue,
  type DuckDBDateValue,
  type DuckDBIntervalValue,
  type DuckDBListValue,
  type DuckDBMapValue,
  type DuckDBStructValue,
  type DuckDBType,
  type DuckDBUnionValue,
  type DuckDBValue,
  type DuckDBVariantValue,
} from '@duckdb/node-api';

type ToJson = (value: NonNullable<DuckDBValue>) => string;

/** One value as JSON text, by its type. */
export function jsonText(type: DuckDBType, value: DuckDBValue): string {
  return value === null ? 'null' : toJson(type)(value);
}

/**
 * How values of a type are written as JSON: numbers where they are exact, otherwise strings; BLOB as base64, INTERVAL as
 * `{months, days, micros}`, a MAP as a list of `{key, value}`, a UNION as an object of its one member.
 */
export function jsonEncoder(type: DuckDBType): (value: DuckDBValue) => string {
  const encode = toJson(type);
  return (value) => (value === null ? 'null' : encode(value));
}

function toJson(type: DuckDBType): ToJson {
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
    case DuckDBTypeId.TINYINT:
    case DuckDBTypeId.SMALLINT:
    case DuckDBTypeId.INTEGER:
    case DuckDBTypeId.UTINYINT:
    case DuckDBTypeId.USMALLINT:
    case DuckDBTypeId.UINTEGER:
      return String;
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.UBIGINT:
      return (value) => integerJson(value as bigint);
    case DuckDBTypeId.FLOAT:
    case DuckDBTypeId.DOUBLE:
      return (value) => floatJson(value as number);
    case DuckDBTypeId.BLOB:
    case DuckDBTypeId.GEOMETRY:
      return (value) => JSON.stringify(Buffer.from((value as DuckDBBlobValue).bytes).toString('base64'));
    case DuckDBTypeId.INTERVAL:
      return (value) => intervalJson(value as DuckDBIntervalValue);
    case DuckDBTypeId.DATE:
      return (value) => JSON.stringify(infinity(value) ?? calendarText(value));
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_S:
    case DuckDBTypeId.TIMESTAMP_MS:
    case DuckDBTypeId.TIMESTAMP_NS:
    case DuckDBTypeId.TIMESTAMP_TZ:
      return (value) => JSON.stringify(isoTimestamp(value));
    case DuckDBTypeId.VARIANT:
      return (value) => jsonText((value as DuckDBVariantValue).type ?? VARCHAR, (value as DuckDBVariantValue).value);
    default:
      return nestedJson(type) ?? ((value) => JSON.stringify(String(value)));
  }
}

function nestedJson(type: DuckDBType): ToJson | undefined {
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) {
    const item = jsonEncoder(type.valueType);
    return (value) => `[${(value as DuckDBListValue | DuckDBArrayValue).items.map(item).join(',')}]`;
  }
  if (type instanceof DuckDBStructType) {
    const entries = type.entryNames.map((name, index) => ({ name, key: JSON.stringify(name), encode: jsonEncoder(type.entryTypes[index]!) }));
    return (value) => `{${entries.map(({ name, key, encode }) => `${key}:${encode((value as DuckDBStructValue).entries[name]!)}`).join(',')}}`;
  }
  if (type instanceof DuckDBMapType) {
    const [key, item] = [jsonEncoder(type.keyType), jsonEncoder(type.valueType)];
    return (value) => `[${(value as DuckDBMapValue).entries.map((entry) => `{"key":${key(entry.key)},"value":${item(entry.value)}}`).join(',')}]`;
  }
  if (type instanceof DuckDBUnionType) {
    const members = new Map(type.memberTags.map((tag, index) => [tag, jsonEncoder(type.memberTypes[index]!)]));
    return (value) => {
      const { tag, value: member } = value as DuckDBUnionValue;
      return `{${JSON.stringify(tag)}:${members.get(tag)!(member)}}`;
    };
  }
  return undefined;
}

function integerJson(value: bigint): string {
  const exact = value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER);
  return exact ? String(value) : `"${value}"`;
}

function floatJson(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? '-0' : String(value);
}

function intervalJson({ months, days, micros }: DuckDBIntervalValue): string {
  return `{"months":${months},"days":${days},"micros":${integerJson(micros)}}`;
}

/** ISO 8601, with a zone RFC 3339 in UTC. What these cannot say (infinity, years before 1) stays as DuckDB writes it. */
function isoTimestamp(value: NonNullable<DuckDBValue>): string {
  const endless = infinity(value);
  if (endless !== undefined) return endless;
  const zoned = value instanceof DuckDBTimestampTZValue;
  const text = calendarText(zoned ? new DuckDBTimestampValue(value.micros) : value);
  return text.includes('(BC)') ? `${text}${zoned ? '+00' : ''}` : `${text.replace(' ', 'T')}${zoned ? 'Z' : ''}`;
}

/** A date or an instant as DuckDB writes it: the bindings write the year 1 BC as 0. */
export function calendarText(value: NonNullable<DuckDBValue>): string {
  return String(value).replace(/^0000(-\d\d-\d\d)/, '0001$1 (BC)');
}

/** The values themselves print an infinite date as the day after the last one. */
export function infinity(value: NonNullable<DuckDBValue>): string | undefined {
  const instant = value as DuckDBDateValue | DuckDBTimestampValue; // the finer and coarser timestamps are alike
  if (instant.isFinite) return undefined;
  const [amount] = Object.values(instant) as (number | bigint)[];
  return amount! < 0 ? '-infinity' : 'infinity';
}
