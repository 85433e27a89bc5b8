import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  DuckDBListValue,
  DuckDBStructValue,
  INTEGER,
  LIST,
  SQLNULL,
  STRUCT,
  VARCHAR,
  type DuckDBPreparedStatement,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import { InvalidRequest } from '../domain/errors.ts';
import type { SlotQuery } from '../ports/table-engine.ts';

interface Typed {
  readonly type: DuckDBType;
  readonly value: DuckDBValue;
}

const NUMBERS: readonly DuckDBType[] = [INTEGER, BIGINT, DOUBLE];
const DEPTH_MAX = 32;

/** Binds JSON values: an array to `?` and `$1`, an object to `$name`. @throws InvalidRequest (`field`) */
export function bindParameters(statement: DuckDBPreparedStatement, parameters: SlotQuery['parameters']): void {
  const count = statement.parameterCount;
  const given = parameters ?? [];
  const names = Array.from({ length: count }, (_, index) => statement.parameterName(index + 1));
  const keys = Array.isArray(given) ? given.map((_, index) => String(index + 1)) : Object.keys(given);
  const wrong = keys.find((key) => !names.includes(key)) ?? names.find((name) => !keys.includes(name));
  if (wrong !== undefined) {
    throw new InvalidRequest(`The statement's parameters are ${names.map((name) => `$${name}`).join(', ') || 'none'}, and "${wrong}" is not on both sides`, {
      field: `parameters.${wrong}`,
    });
  }
  names.forEach((name, index) => {
    const json = Array.isArray(given) ? (given as unknown[])[Number(name) - 1] : (given as Record<string, unknown>)[name];
    const { type, value } = typed(json, `parameters.${name}`, 0);
    if (value === null) statement.bindNull(index + 1);
    else statement.bindValue(index + 1, value, type);
  });
}

function typed(json: unknown, field: string, depth: number): Typed {
  if (depth > DEPTH_MAX) throw new InvalidRequest(`"${field}" is nested deeper than ${DEPTH_MAX} levels`, { field });
  if (json === null || json === undefined) return { type: SQLNULL, value: null };
  if (typeof json === 'boolean') return { type: BOOLEAN, value: json };
  if (typeof json === 'string') return { type: VARCHAR, value: json };
  if (typeof json === 'number') return number(json);
  if (Array.isArray(json)) return list(json, field, depth);
  if (typeof json === 'object') return struct(json as Record<string, unknown>, field, depth);
  throw new InvalidRequest(`"${field}" is not a JSON value`, { field });
}

/** A whole number gets the type DuckDB gives the same literal, as long as one of 64 bits holds it: as a DOUBLE it would match its neighbours. */
function number(json: number): Typed {
  if (!Number.isInteger(json) || Math.abs(json) >= 2 ** 63) return { type: DOUBLE, value: json };
  return Math.abs(json) < 2 ** 31 ? { type: INTEGER, value: json } : { type: BIGINT, value: BigInt(json) };
}

function list(json: readonly unknown[], field: string, depth: number): Typed {
  const items = json.map((item, index) => typed(item, `${field}[${index}]`, depth + 1));
  const type = items.reduce<DuckDBType>((common, item) => commonType(common, item.type, field), SQLNULL);
  return { type: LIST(type), value: new DuckDBListValue(items.map(({ value }) => widened(value, type))) };
}

function struct(json: Readonly<Record<string, unknown>>, field: string, depth: number): Typed {
  const entries = Object.entries(json).map(([key, item]) => [key, typed(item, `${field}.${key}`, depth + 1)] as const);
  if (entries.length === 0) throw new InvalidRequest(`"${field}" is an empty object, which no SQL type holds`, { field });
  return {
    type: STRUCT(Object.fromEntries(entries.map(([key, { type }]) => [key, type]))),
    value: new DuckDBStructValue(Object.fromEntries(entries.map(([key, { value }]) => [key, value]))),
  };
}

function commonType(one: DuckDBType, other: DuckDBType, field: string): DuckDBType {
  if (one.toString() === other.toString() || other === SQLNULL) return one;
  if (one === SQLNULL) return other;
  const rank = Math.max(NUMBERS.indexOf(one), NUMBERS.indexOf(other));
  if (NUMBERS.includes(one) && NUMBERS.includes(other)) return NUMBERS[rank]!;
  throw new InvalidRequest(`The items of "${field}" are of different types (${one.toString()} and ${other.toString()})`, { field });
}

function widened(value: DuckDBValue, type: DuckDBType): DuckDBValue {
  if (type === BIGINT && typeof value === 'number') return BigInt(value);
  return type === DOUBLE && typeof value === 'bigint' ? Number(value) : value;
}
