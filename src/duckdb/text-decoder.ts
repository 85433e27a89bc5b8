import {
  DuckDBArrayType,
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBIntervalValue,
  DuckDBListType,
  DuckDBListValue,
  DuckDBMapType,
  DuckDBMapValue,
  DuckDBStructType,
  DuckDBStructValue,
  DuckDBTypeId,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import { BadValue, jsonDecoder } from './json-rows-values.ts';
import { NestedText } from './nested-text.ts';

export type FromText = (text: string) => DuckDBValue;
type FromNested = (text: NestedText) => DuckDBValue;

const TRUE = /^(?:true|t|1|yes|y)$/i;
const FALSE = /^(?:false|f|0|no|n)$/i;
const FLOAT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const FLOAT_WORD = /^([+-]?)(?:(inf|infinity)|nan)$/i;
const BLOB = /^(?:[ -[\]-~]|\\x[\da-f]{2})*$/i;
const INTERVAL_PART = /^(-?\d+) (year|month|day)s?$/;
const INTERVAL_TIME = /^(-?)(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/;
const DAYS_AND_MONTHS = 2 ** 31;
const MICROS = 2n ** 63n;

/** How text becomes a value of the type; it takes all that `textEncoder` writes. @throws UnsupportedType (`field`) */
export function textDecoder(type: DuckDBType, field: string): FromText {
  const nested = nestedDecoder(type, field);
  if (nested !== undefined) return (text) => whole(text, nested, type);
  if (type.typeId === DuckDBTypeId.VARCHAR || type.typeId === DuckDBTypeId.ENUM) return jsonDecoder(type, field);
  if (type.typeId === DuckDBTypeId.BLOB) return blobOf;
  const decode = flatDecoder(type, field);
  return (text) => decode(text.trim());
}

function flatDecoder(type: DuckDBType, field: string): FromText {
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
      return (text) => TRUE.test(text) || (FALSE.test(text) ? false : wrong('true or false'));
    case DuckDBTypeId.FLOAT:
      return (text) => floatOf(text, true);
    case DuckDBTypeId.DOUBLE:
      return (text) => floatOf(text, false);
    case DuckDBTypeId.INTERVAL:
      return intervalOf;
    default:
      return jsonDecoder(type, field);
  }
}

function floatOf(text: string, single: boolean): number {
  const [, sign, endless] = FLOAT_WORD.exec(text) ?? [];
  if (sign !== undefined) return endless === undefined ? Number.NaN : sign === '-' ? -Infinity : Infinity;
  const value = FLOAT.test(text) ? Number(text) : wrong('a number');
  return Number.isFinite(single ? Math.fround(value) : value) ? value : tooLarge(text);
}

/** ASCII as it is, every other byte as `\xFF`. */
function blobOf(text: string): DuckDBBlobValue {
  if (!BLOB.test(text)) return wrong('bytes as ASCII, and those that are none as "\\xFF"');
  const bytes = text.replace(/\\x([\da-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return new DuckDBBlobValue(Buffer.from(bytes, 'latin1'));
}

/** As DuckDB writes it: `1 year 2 months 3 days 04:05:06.7`. */
function intervalOf(text: string): DuckDBIntervalValue {
  const wanted = 'an interval such as "1 year 2 months 3 days 04:05:06"';
  const parts = { year: 0, month: 0, day: 0 };
  let micros = 0n;
  const words = text.split(' ');
  const clock = words.length % 2 === 1 ? words.pop() : undefined;
  for (let at = 0; at < words.length; at += 2) {
    const [, amount, unit] = INTERVAL_PART.exec(`${words[at]} ${words[at + 1]}`) ?? wrong(wanted);
    parts[unit as keyof typeof parts] += Number(amount);
  }
  if (clock !== undefined) {
    const [, sign, hours, minutes, seconds, fraction = ''] = INTERVAL_TIME.exec(clock) ?? wrong(wanted);
    const wholeSeconds = BigInt(hours!) * 3_600n + BigInt(minutes!) * 60n + BigInt(seconds!);
    micros = (wholeSeconds * 1_000_000n + BigInt(fraction.padEnd(6, '0'))) * (sign === '-' ? -1n : 1n);
  }
  const months = parts.year * 12 + parts.month;
  const fits = [months, parts.day].every((amount) => amount >= -DAYS_AND_MONTHS && amount < DAYS_AND_MONTHS) && micros >= -MICROS && micros < MICROS;
  return fits ? new DuckDBIntervalValue(months, parts.day, micros) : tooLarge(text);
}

function whole(text: string, read: FromNested, type: DuckDBType): DuckDBValue {
  const nested = new NestedText(text);
  try {
    const value = read(nested);
    nested.end();
    return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return wrong(`a ${String(type)} as DuckDB writes it, and it has ${error.message}`);
  }
}

function nestedDecoder(type: DuckDBType, field: string): FromNested | undefined {
  if (type instanceof DuckDBListType) {
    const item = itemDecoder(type.valueType, field);
    return (text) => new DuckDBListValue(itemsOf(text, '[', ']', () => item(text)));
  }
  if (type instanceof DuckDBArrayType) {
    const item = itemDecoder(type.valueType, field);
    return (text) => {
      const items = itemsOf(text, '[', ']', () => item(text));
      return items.length === type.length ? new DuckDBArrayValue(items) : wrong(`an array of ${type.length} items`);
    };
  }
  if (type instanceof DuckDBStructType) return structDecoder(type, field);
  if (type instanceof DuckDBMapType) return mapDecoder(type, field);
  return undefined;
}

function itemDecoder(type: DuckDBType, field: string): FromNested {
  const nested = nestedDecoder(type, field);
  const decode = nested ?? flatItem(textDecoder(type, field), (text) => text.text());
  return (text) => (text.acceptNull() ? null : decode(text));
}

function flatItem(decode: FromText, read: (text: NestedText) => string): FromNested {
  return (text) => decode(read(text));
}

function structDecoder(type: DuckDBStructType, field: string): FromNested {
  const decoders = new Map(type.entryNames.map((name, index) => [name, itemDecoder(type.entryTypes[index]!, field)]));
  return (text) => {
    const entries: Record<string, DuckDBValue> = Object.fromEntries(type.entryNames.map((name) => [name, null]));
    const seen = new Set<string>();
    itemsOf(text, '{', '}', () => {
      const name = text.name();
      const decode = decoders.get(name) ?? wrong(`no field "${name}"`);
      if (seen.has(name)) wrong(`the field "${name}" once`);
      seen.add(name);
      text.expect(':');
      entries[name] = decode(text);
    });
    return new DuckDBStructValue(entries);
  };
}

function mapDecoder(type: DuckDBMapType, field: string): FromNested {
  const keyOf = nestedDecoder(type.keyType, field) ?? flatItem(textDecoder(type.keyType, field), (text) => text.key());
  const valueOf = itemDecoder(type.valueType, field);
  return (text) => {
    const seen = new Set<string>();
    const entries = itemsOf(text, '{', '}', () => {
      if (text.acceptNull()) wrong('keys that are not null');
      const key = keyOf(text);
      if (seen.has(String(key))) wrong(`the key ${String(key)} once`);
      seen.add(String(key));
      text.expect('=');
      return { key, value: valueOf(text) };
    });
    return new DuckDBMapValue(entries);
  };
}

function itemsOf<Item>(text: NestedText, open: string, close: string, read: () => Item): Item[] {
  const items: Item[] = [];
  text.expect(open);
  if (text.accept(close)) return items;
  do items.push(read());
  while (text.accept(','));
  text.expect(close);
  return items;
}

function wrong(wanted: string): never {
  throw new BadValue(`wants ${wanted}`);
}

function tooLarge(value: string): never {
  throw new BadValue(`cannot hold ${value}`, true);
}
