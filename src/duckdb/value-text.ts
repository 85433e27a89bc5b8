import {
  DuckDBArrayType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTypeId,
  DuckDBUnionType,
  type DuckDBArrayValue,
  type DuckDBBlobValue,
  type DuckDBListValue,
  type DuckDBMapValue,
  type DuckDBStructValue,
  type DuckDBType,
  type DuckDBUnionValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { calendarText, infinity, jsonText } from './value-json.ts';

type ToText = (value: NonNullable<DuckDBValue>) => string;

/** A leaf of a nested value that would not be read as itself without quotes. */
const AMBIGUOUS = /^$|^[ \t\r\n\v\f]|[ \t\r\n\v\f]$|^null$|["'(),:=[\]{}]/i;
const FLOAT_DIGITS_MAX = 9;

/** A value as DuckDB's cast to VARCHAR writes it; a VARIANT as JSON. */
export function valueText(type: DuckDBType, value: NonNullable<DuckDBValue>): string {
  return textEncoder(type)(value);
}

/** How values of a type are written: as DuckDB's cast to VARCHAR does, only that in an ARRAY too texts are quoted where they must be. */
export function textEncoder(type: DuckDBType): ToText {
  switch (type.typeId) {
    case DuckDBTypeId.FLOAT:
      return (value) => floatText(value as number, singleDigits);
    case DuckDBTypeId.DOUBLE:
      return (value) => floatText(value as number, (finite) => finite.toExponential());
    case DuckDBTypeId.BLOB:
      return (value) => blobText((value as DuckDBBlobValue).bytes);
    case DuckDBTypeId.DATE:
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_S:
    case DuckDBTypeId.TIMESTAMP_MS:
    case DuckDBTypeId.TIMESTAMP_NS:
    case DuckDBTypeId.TIMESTAMP_TZ:
      return (value) => infinity(value) ?? calendarText(value);
    case DuckDBTypeId.VARIANT:
      return (value) => jsonText(type, value);
    default:
      return nestedEncoder(type) ?? String;
  }
}

function nestedEncoder(type: DuckDBType): ToText | undefined {
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) {
    const item = itemEncoder(type.valueType);
    return (value) => `[${(value as DuckDBListValue | DuckDBArrayValue).items.map(item).join(', ')}]`;
  }
  if (type instanceof DuckDBStructType) {
    const entries = type.entryNames.map((name, index) => ({ name, key: quote(name), encode: itemEncoder(type.entryTypes[index]!) }));
    return (value) => `{${entries.map(({ name, key, encode }) => `${key}: ${encode((value as DuckDBStructValue).entries[name]!)}`).join(', ')}}`;
  }
  if (type instanceof DuckDBMapType) {
    const [key, item] = [itemEncoder(type.keyType), itemEncoder(type.valueType)];
    return (value) => `{${(value as DuckDBMapValue).entries.map((entry) => `${key(entry.key)}=${item(entry.value)}`).join(', ')}}`;
  }
  if (type instanceof DuckDBUnionType) {
    const members = new Map(type.memberTags.map((tag, index) => [tag, textEncoder(type.memberTypes[index]!)]));
    return (value) => {
      const { tag, value: member } = value as DuckDBUnionValue;
      return member === null ? 'NULL' : members.get(tag)!(member);
    };
  }
  return undefined;
}

function itemEncoder(type: DuckDBType): (value: DuckDBValue) => string {
  const encode = textEncoder(type);
  const nested = [DuckDBListType, DuckDBArrayType, DuckDBStructType, DuckDBMapType].some((Type) => type instanceof Type);
  return (value) => {
    if (value === null) return 'NULL';
    const text = encode(value);
    return !nested && AMBIGUOUS.test(text) ? quote(text) : text;
  };
}

function quote(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
}

/** ASCII as it is; quotes, backslashes and every other byte as `\xFF`. */
function blobText(bytes: Uint8Array): string {
  const latin = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  return latin.replace(/[^ -~]|["'\\]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

/** @param digits the shortest ones that are read as the same number, as `d.ddde±x` */
function floatText(value: number, digits: (finite: number) => string): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  const [, sign, lead, rest = '', exponentText] = /^(-?)(\d)(?:\.(\d+))?e(.+)$/.exec(digits(value))!;
  const minus = Object.is(value, -0) ? '-' : sign!;
  const exponent = Number(exponentText);
  const significant = lead! + rest;
  if (exponent < -4 || exponent >= 16) {
    const power = `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
    return `${minus}${lead}${rest === '' ? '' : `.${rest}`}e${power}`;
  }
  if (exponent < 0) return `${minus}0.${'0'.repeat(-exponent - 1)}${significant}`;
  const whole = significant.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${minus}${whole}.${significant.slice(exponent + 1) || '0'}`;
}

function singleDigits(value: number): string {
  for (let digits = 1; digits < FLOAT_DIGITS_MAX; digits++) {
    const text = value.toExponential(digits - 1);
    if (Math.fround(Number(text)) === value) return text;
  }
  return value.toExponential(FLOAT_DIGITS_MAX - 1);
}
