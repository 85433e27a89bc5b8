import {
  DuckDBArrayType,
  DuckDBArrayValue,
  DuckDBBitValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalType,
  DuckDBDecimalValue,
  DuckDBEnumType,
  DuckDBIntervalValue,
  DuckDBListType,
  DuckDBListValue,
  DuckDBMapType,
  DuckDBMapValue,
  DuckDBStructType,
  DuckDBStructValue,
  DuckDBTimeNSValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  DuckDBTypeId,
  DuckDBUUIDValue,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import { UnsupportedType } from '../domain/errors.ts';
import { JsonNumber, type JsonValue } from './json-rows-parser.ts';
import { nanosOfTime, nanosOfTimestamp, daysOfDate } from './iso-time.ts';

/** What is wrong with a value: of the wrong kind, or one its column cannot hold. */
export class BadValue extends Error {
  readonly outOfRange: boolean;

  constructor(message: string, outOfRange = false) {
    super(message);
    this.outOfRange = outOfRange;
  }
}

export type FromJson = (json: JsonValue) => DuckDBValue;
const INTEGER_BITS: Partial<Record<DuckDBTypeId, number>> = {
  [DuckDBTypeId.TINYINT]: 8,
  [DuckDBTypeId.SMALLINT]: 16,
  [DuckDBTypeId.INTEGER]: 32,
  [DuckDBTypeId.BIGINT]: 64,
  [DuckDBTypeId.HUGEINT]: 128,
};
const UNSIGNED_BITS: Partial<Record<DuckDBTypeId, number>> = {
  [DuckDBTypeId.UTINYINT]: 8,
  [DuckDBTypeId.USMALLINT]: 16,
  [DuckDBTypeId.UINTEGER]: 32,
  [DuckDBTypeId.UBIGINT]: 64,
  [DuckDBTypeId.UHUGEINT]: 128,
};
const DECIMAL_TEXT = /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;
const BASE64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/;

/** How JSON becomes a value of the type; it takes all that `jsonEncoder` writes. @throws UnsupportedType (`field`) */
export function jsonDecoder(type: DuckDBType, field: string): FromJson {
  const decode = decoderOf(type, field);
  return (json) => (json === null ? null : decode(json));
}

function decoderOf(type: DuckDBType, field: string): FromJson {
  const signedBits = INTEGER_BITS[type.typeId];
  const bits = signedBits ?? UNSIGNED_BITS[type.typeId];
  if (bits !== undefined) return integerOf(bits, signedBits !== undefined);
  if (type instanceof DuckDBDecimalType) return (json) => new DuckDBDecimalValue(scaled(json, type.width, type.scale), type.width, type.scale);
  if (type instanceof DuckDBEnumType) return enumOf(type);
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
      return (json) => (typeof json === 'boolean' ? json : wrong('true or false'));
    case DuckDBTypeId.FLOAT:
      return (json) => float(json, true);
    case DuckDBTypeId.DOUBLE:
      return (json) => float(json, false);
    case DuckDBTypeId.VARCHAR:
      return textOf;
    case DuckDBTypeId.BLOB:
      return (json) => new DuckDBBlobValue(Buffer.from(matching(json, BASE64, 'base64'), 'base64'));
    case DuckDBTypeId.UUID:
      return (json) => DuckDBUUIDValue.fromUint128(BigInt(`0x${matching(json, UUID, 'a UUID').replaceAll('-', '')}`));
    case DuckDBTypeId.BIT:
      return (json) => DuckDBBitValue.fromString(matching(json, /^[01]+$/, 'a text of 0 and 1'));
    case DuckDBTypeId.DATE:
      return (json) => new DuckDBDateValue(daysOfDate(textOf(json)) ?? wrong('a date such as "2026-01-31"'));
    case DuckDBTypeId.INTERVAL:
      return interval;
    default:
      return timeOf(type) ?? nestedOf(type, field);
  }
}

function timeOf({ typeId }: DuckDBType): FromJson | undefined {
  const time = (json: JsonValue, unitNanos: bigint) => whole(nanosOfTime(textOf(json)) ?? wrong('a time such as "12:34:56.789"'), unitNanos);
  const instant = (json: JsonValue, unitNanos: bigint, min: bigint, max: bigint, zoned = false) => {
    const text = textOf(json);
    if (/^-?infinity$/.test(text)) return text === 'infinity' ? 2n ** 63n - 1n : 1n - 2n ** 63n;
    const value = whole(nanosOfTimestamp(text, zoned) ?? wrong(`a timestamp such as "2026-01-31T12:34:56${zoned ? 'Z' : ''}"`), unitNanos);
    return value >= min && value <= max ? value : tooLarge(text);
  };
  switch (typeId) {
    case DuckDBTypeId.TIME:
      return (json) => new DuckDBTimeValue(time(json, 1_000n));
    case DuckDBTypeId.TIME_NS:
      return (json) => new DuckDBTimeNSValue(time(json, 1n));
    case DuckDBTypeId.TIMESTAMP_S: {
      const { Min, Max } = DuckDBTimestampSecondsValue;
      return (json) => new DuckDBTimestampSecondsValue(instant(json, 1_000_000_000n, Min.seconds, Max.seconds));
    }
    case DuckDBTypeId.TIMESTAMP_MS: {
      const { Min, Max } = DuckDBTimestampMillisecondsValue;
      return (json) => new DuckDBTimestampMillisecondsValue(instant(json, 1_000_000n, Min.millis, Max.millis));
    }
    case DuckDBTypeId.TIMESTAMP_NS: {
      const { Min, Max } = DuckDBTimestampNanosecondsValue;
      return (json) => new DuckDBTimestampNanosecondsValue(instant(json, 1n, Min.nanos, Max.nanos));
    }
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_TZ: {
      const { Min, Max } = DuckDBTimestampValue;
      const zoned = typeId === DuckDBTypeId.TIMESTAMP_TZ;
      const Value = zoned ? DuckDBTimestampTZValue : DuckDBTimestampValue;
      return (json) => new Value(instant(json, 1_000n, Min.micros, Max.micros, zoned));
    }
    default:
      return undefined;
  }
}

function nestedOf(type: DuckDBType, field: string): FromJson {
  if (type instanceof DuckDBListType) {
    const item = jsonDecoder(type.valueType, field);
    return (json) => new DuckDBListValue(arrayOf(json).map(item));
  }
  if (type instanceof DuckDBArrayType) {
    const item = jsonDecoder(type.valueType, field);
    return (json) => {
      const items = arrayOf(json);
      return items.length === type.length ? new DuckDBArrayValue(items.map(item)) : wrong(`an array of ${type.length} items`);
    };
  }
  if (type instanceof DuckDBStructType) return structOf(type, field);
  if (type instanceof DuckDBMapType) return mapOf(type, field);
  throw new UnsupportedType(`The column "${field}" of type ${type} cannot be filled from text: use Arrow, or a statement`, { field });
}

function structOf(type: DuckDBStructType, field: string): FromJson {
  const entries = type.entryNames.map((name, index) => [name, jsonDecoder(type.entryTypes[index]!, field)] as const);
  return (json) => {
    const members = json instanceof Map ? json : wrong('an object');
    for (const key of members.keys()) if (!type.entryNames.includes(key)) wrong(`no key "${key}"`);
    return new DuckDBStructValue(Object.fromEntries(entries.map(([name, decode]) => [name, decode(members.get(name) ?? null)])));
  };
}

function mapOf(type: DuckDBMapType, field: string): FromJson {
  const [keyOf, valueOf] = [jsonDecoder(type.keyType, field), jsonDecoder(type.valueType, field)];
  return (json) => {
    const seen = new Set<string>();
    const entries = arrayOf(json).map((entry) => {
      if (!(entry instanceof Map) || entry.size !== 2 || !entry.has('value')) return wrong('a list of {"key", "value"}');
      const key = keyOf(entry.get('key') ?? null) ?? wrong('keys that are not null');
      if (seen.has(String(key))) wrong(`the key ${String(key)} once`);
      seen.add(String(key));
      return { key, value: valueOf(entry.get('value')!) };
    });
    return new DuckDBMapValue(entries);
  };
}

function enumOf(type: DuckDBEnumType): FromJson {
  return (json) => (type.values.includes(textOf(json)) ? textOf(json) : tooLarge(textOf(json)));
}

function integerOf(bits: number, signed: boolean): FromJson {
  const max = 2n ** BigInt(signed ? bits - 1 : bits);
  const min = signed ? -max : 0n;
  return (json) => {
    const value = scaled(json, 40, 0);
    if (value < min || value >= max) return tooLarge(value);
    return bits < 64 ? Number(value) : value;
  };
}

/** A number times 10^scale, exact or refused. */
function scaled(json: JsonValue, width: number, scale: number): bigint {
  const text = json instanceof JsonNumber ? json.text : typeof json === 'string' ? json : '';
  const [, sign, integer, fraction = '', exponent = '0'] = DECIMAL_TEXT.exec(text) ?? wrong('a number');
  const digits = `${integer}${fraction}`.replace(/^0+/, '');
  const shift = scale - fraction.length + Number(exponent);
  if (digits === '') return 0n;
  if (digits.length + shift > width) return tooLarge(text);
  const dropped = shift < 0 ? digits.slice(shift) : '';
  if (/[1-9]/.test(dropped)) return tooLarge(text);
  const value = shift < 0 ? BigInt(digits.slice(0, shift) || '0') : BigInt(digits) * 10n ** BigInt(shift);
  return sign === '-' ? -value : value;
}

function float(json: JsonValue, single: boolean): number {
  if (typeof json === 'string') return /^(NaN|-?Infinity)$/.test(json) ? Number(json) : wrong('a number, "NaN" or "Infinity"');
  const value = json instanceof JsonNumber ? Number(json.text) : wrong('a number');
  return Number.isFinite(single ? Math.fround(value) : value) ? value : tooLarge(value);
}

function interval(json: JsonValue): DuckDBIntervalValue {
  const part = (name: string, bits: number) => integerOf(bits, true)((json instanceof Map && json.get(name)) || wrong('{"months", "days", "micros"}'));
  return new DuckDBIntervalValue(part('months', 32) as number, part('days', 32) as number, part('micros', 64) as bigint);
}

function whole(nanos: bigint, unitNanos: bigint): bigint {
  return nanos % unitNanos === 0n ? nanos / unitNanos : tooLarge('more digits of a second than it has');
}

function arrayOf(json: JsonValue): JsonValue[] {
  return Array.isArray(json) ? json : wrong('an array');
}

function textOf(json: JsonValue): string {
  return typeof json === 'string' ? json : wrong('a text');
}

function matching(json: JsonValue, pattern: RegExp, wanted: string): string {
  return pattern.test(textOf(json)) ? (json as string) : wrong(wanted);
}

function wrong(wanted: string): never {
  throw new BadValue(`wants ${wanted}`);
}

function tooLarge(value: unknown): never {
  throw new BadValue(`cannot hold ${String(value)}`, true);
}
