import {
  ARRAY,
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  DuckDBStructType,
  FLOAT,
  INTEGER,
  INTERVAL,
  LIST,
  MAP,
  SMALLINT,
  TIME,
  TIME_NS,
  TIMESTAMP,
  TIMESTAMP_MS,
  TIMESTAMP_NS,
  TIMESTAMP_S,
  TIMESTAMPTZ,
  TINYINT,
  UBIGINT,
  UINTEGER,
  USMALLINT,
  UTINYINT,
  VARCHAR,
  type DuckDBType,
} from '@duckdb/node-api';
import { UnsupportedType } from '../domain/errors.ts';
import type { ArrowField, ArrowType } from './arrow-schema.ts';

/** A column with its DuckDB type, as a result or a table has it. */
export interface TypedColumn {
  readonly name: string;
  readonly type: DuckDBType;
}

export const DECIMAL_DIGITS_MAX = 38;
/** DuckDB's longest ARRAY. Also the most array slots all columns of one row may have, since a chunk holds 2,048 rows of them. */
const ARRAY_SLOTS_MAX = 100_000;

const INTEGERS: Readonly<Record<string, DuckDBType>> = {
  s8: TINYINT,
  s16: SMALLINT,
  s32: INTEGER,
  s64: BIGINT,
  u8: UTINYINT,
  u16: USMALLINT,
  u32: UINTEGER,
  u64: UBIGINT,
};
const TIMESTAMPS = [TIMESTAMP_S, TIMESTAMP_MS, TIMESTAMP, TIMESTAMP_NS] as const;

/**
 * The DuckDB types of an Arrow schema, in order. Dictionary, large, view and run-end encodings become the type of their
 * values; null becomes INTEGER (as in DuckDB's own CREATE TABLE AS).
 * @throws UnsupportedType (`field`, `arrow_type`) for unions, empty structs, decimals above 38 digits, ARRAYs of no or too
 *   many items, and for empty, duplicate or case-equal names
 */
export function duckdbTypes(fields: readonly ArrowField[]): DuckDBType[] {
  if (fields.length === 0) throw new UnsupportedType('The Arrow schema has no columns, and a table needs one', { field: '' });
  checkNames(fields);
  const slots = fields.reduce((sum, field) => sum + arraySlots(field), 0);
  if (slots > ARRAY_SLOTS_MAX) {
    const field = fields.reduce((widest, next) => (arraySlots(next) > arraySlots(widest) ? next : widest));
    throw unsupported(field, `fixed-size lists of more than ${ARRAY_SLOTS_MAX} values a row: use a list`);
  }
  return fields.map(duckdbType);
}

function duckdbType(field: ArrowField): DuckDBType {
  const { type, children } = field;
  switch (type.kind) {
    case 'null':
      return INTEGER;
    case 'bool':
      return BOOLEAN;
    case 'int':
      return INTEGERS[`${type.signed ? 's' : 'u'}${type.bits}`]!;
    case 'float':
      return type.bits === 64 ? DOUBLE : FLOAT;
    case 'decimal':
      return decimalType(field, type);
    case 'date':
      return DATE;
    case 'time':
      return type.unit === 3 ? TIME_NS : TIME;
    case 'timestamp':
      return type.timezone !== undefined && type.unit !== 3 ? TIMESTAMPTZ : TIMESTAMPS[type.unit];
    case 'duration':
    case 'interval':
      return INTERVAL;
    case 'utf8':
      return VARCHAR;
    case 'binary':
    case 'fixedBinary':
      return BLOB;
    case 'list':
    case 'listView':
      return LIST(duckdbType(children[0]!));
    case 'fixedList':
      return ARRAY(duckdbType(children[0]!), type.size);
    case 'struct':
      return structType(field);
    case 'map':
      return mapType(children[0]!);
    case 'runEndEncoded':
      return duckdbType(children[1]!);
    case 'union':
      throw unsupported(field, 'unions have no counterpart here: use one column for each member');
  }
}

/** Digits and scale DuckDB needs for an Arrow decimal; a negative scale is written out in zeros. */
export function decimalShape(type: Extract<ArrowType, { kind: 'decimal' }>): { width: number; scale: number } {
  return { width: Math.max(type.precision - Math.min(type.scale, 0), type.scale), scale: Math.max(type.scale, 0) };
}

function decimalType(field: ArrowField, type: Extract<ArrowType, { kind: 'decimal' }>): DuckDBType {
  const { width, scale } = decimalShape(type);
  if (type.precision < 1 || width > DECIMAL_DIGITS_MAX) throw unsupported(field, `DECIMAL has 1 to ${DECIMAL_DIGITS_MAX} digits`);
  return DECIMAL(width, scale);
}

function structType(field: ArrowField): DuckDBType {
  if (field.children.length === 0) throw unsupported(field, 'a struct needs a field');
  checkNames(field.children);
  return new DuckDBStructType(
    field.children.map(({ name }) => name),
    field.children.map(duckdbType),
  );
}

function mapType(entries: ArrowField): DuckDBType {
  const [key, value] = entries.children;
  return MAP(duckdbType(key!), duckdbType(value!));
}

function arraySlots(field: ArrowField): number {
  const { type, children } = field;
  if (type.kind === 'fixedList') {
    if (type.size === 0) throw unsupported(field, 'a fixed-size list needs at least one item');
    return type.size * Math.max(1, arraySlots(children[0]!));
  }
  return children.reduce((sum, child) => sum + arraySlots(child), 0);
}

function checkNames(fields: readonly ArrowField[]): void {
  const seen = new Set<string>();
  for (const field of fields) {
    const folded = field.name.toLowerCase();
    if (field.name === '') throw unsupported(field, 'its name is empty');
    if (field.name.includes('\0') || field.name === '__proto__') throw unsupported(field, 'its name cannot be a column name');
    if (seen.has(folded)) throw unsupported(field, 'another field has that name, and names do not differ by case');
    seen.add(folded);
  }
}

function unsupported(field: ArrowField, why: string): Error {
  const arrowType = arrowTypeText(field);
  return new UnsupportedType(`The field "${field.path}" of type ${arrowType} cannot be held: ${why}`, { field: field.path, arrow_type: arrowType });
}

const UNIT_NAMES = ['s', 'ms', 'us', 'ns'] as const;

/** An Arrow type as Arrow's own libraries print it, e.g. `timestamp[us, tz=UTC]`. */
export function arrowTypeText({ type, children, dictionary }: ArrowField): string {
  const text = plainTypeText(type, children);
  return dictionary === undefined ? text : `dictionary<values=${text}, indices=${dictionary.signed ? '' : 'u'}int${dictionary.bits}>`;
}

function plainTypeText(type: ArrowType, children: readonly ArrowField[]): string {
  switch (type.kind) {
    case 'int':
      return `${type.signed ? '' : 'u'}int${type.bits}`;
    case 'float':
      return `float${type.bits}`;
    case 'decimal':
      return `decimal${type.bits}(${type.precision}, ${type.scale})`;
    case 'date':
      return type.unit === 'day' ? 'date32[day]' : 'date64[ms]';
    case 'time':
      return `time${type.bits}[${UNIT_NAMES[type.unit]}]`;
    case 'timestamp':
      return `timestamp[${UNIT_NAMES[type.unit]}${type.timezone === undefined ? '' : `, tz=${type.timezone}`}]`;
    case 'duration':
      return `duration[${UNIT_NAMES[type.unit]}]`;
    case 'interval':
      return `interval[${type.unit}]`;
    case 'utf8':
    case 'binary':
      return `${type.offsets === 8 ? 'large_' : ''}${type.kind}${type.offsets === 'view' ? '_view' : ''}`;
    case 'fixedBinary':
      return `fixed_size_binary[${type.bytes}]`;
    case 'fixedList':
      return `fixed_size_list<${nestedText(children)}>[${type.size}]`;
    case 'list':
    case 'listView':
      return `${type.offsets === 8 ? 'large_' : ''}list${type.kind === 'listView' ? '_view' : ''}<${nestedText(children)}>`;
    case 'runEndEncoded':
      return `run_end_encoded<${nestedText(children)}>`;
    case 'null':
    case 'bool':
    case 'struct':
    case 'map':
    case 'union':
      return children.length === 0 ? type.kind : `${type.kind}<${nestedText(children)}>`;
  }
}

function nestedText(children: readonly ArrowField[]): string {
  return children.map((child) => `${child.name}: ${arrowTypeText(child)}`).join(', ');
}
