import { DuckDBArrayType, DuckDBDecimalType, DuckDBListType, DuckDBMapType, DuckDBStructType, DuckDBTypeId, type DuckDBType } from '@duckdb/node-api';

/** The least and the greatest value of types whose bits can hold others too, on which DuckDB's functions break. */
const BOUNDS: Partial<Record<DuckDBTypeId, readonly [string, string]>> = {
  [DuckDBTypeId.TIME]: ["TIME '00:00:00'", "TIME '24:00:00'"],
  [DuckDBTypeId.TIME_NS]: ["'00:00:00'::TIME_NS", "'24:00:00'::TIME_NS"],
  [DuckDBTypeId.DATE]: ["DATE '-infinity'", "DATE 'infinity'"],
  [DuckDBTypeId.TIMESTAMP]: ["TIMESTAMP '-infinity'", "TIMESTAMP 'infinity'"],
  [DuckDBTypeId.TIMESTAMP_TZ]: ["TIMESTAMPTZ '-infinity'", "TIMESTAMPTZ 'infinity'"],
  [DuckDBTypeId.TIMESTAMP_NS]: ["'-infinity'::TIMESTAMP_NS", "'infinity'::TIMESTAMP_NS"],
};
/** Types of which a file cannot be shown to hold good values. */
const UNCHECKED = new Set([DuckDBTypeId.VARIANT, DuckDBTypeId.GEOMETRY, DuckDBTypeId.TIME_TZ, DuckDBTypeId.UNION]);

/**
 * SQL that is true when the value that `expression` stands for is none of its type; undefined when there are none such.
 * @throws TypeError for types that cannot be checked
 */
export function isImpossible(type: DuckDBType, expression: string, depth = 0): string | undefined {
  if (UNCHECKED.has(type.typeId)) throw new TypeError(`it has a ${String(type)}, which is not read from Parquet`);
  const item = `x${depth}`;
  const anyOf = (list: string, itemType: DuckDBType): string | undefined => {
    const bad = isImpossible(itemType, item, depth + 1);
    return bad && `len(list_filter(${list}, lambda ${item}: ${bad})) > 0`;
  };
  if (type instanceof DuckDBDecimalType) {
    const most = `${'9'.repeat(type.width - type.scale) || '0'}.${'9'.repeat(type.scale)}`;
    return `(${expression} > '${most}'::${type} OR ${expression} < '-${most}'::${type})`;
  }
  if (type instanceof DuckDBListType) return anyOf(expression, type.valueType);
  if (type instanceof DuckDBArrayType) return anyOf(`${expression}::${type.valueType}[]`, type.valueType);
  if (type instanceof DuckDBMapType) return either([anyOf(`map_keys(${expression})`, type.keyType), anyOf(`map_values(${expression})`, type.valueType)]);
  if (type instanceof DuckDBStructType) {
    return either(type.entryTypes.map((entry, index) => isImpossible(entry, `struct_extract_at(${expression}, ${index + 1})`, depth)));
  }
  const bounds = BOUNDS[type.typeId];
  return bounds && `(${expression} < ${bounds[0]} OR ${expression} > ${bounds[1]})`;
}

function either(conditions: readonly (string | undefined)[]): string | undefined {
  const given = conditions.filter((condition) => condition !== undefined);
  return given.length === 0 ? undefined : `(${given.join(' OR ')})`;
}
