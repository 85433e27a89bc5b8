import { Data, type DataType, type Dictionary, RecordBatch, Schema, Struct, Type, Vector } from 'apache-arrow';
import { SchemaMismatch } from '../domain/errors.ts';
import { adoptSchemaTypes, type ForeignSchema, type ForeignType } from './arrow-adopt-type.ts';

/**
 * Arrow objects made by another copy of apache-arrow have other classes, which this copy's writer may not know. They are
 * recognised by shape and rebuilt in this copy's classes over the same buffers: nothing is copied.
 */

interface ForeignData {
  readonly type: ForeignType;
  readonly offset: number;
  readonly length: number;
  readonly nullCount: number;
  readonly valueOffsets?: unknown;
  readonly values?: unknown;
  readonly nullBitmap?: unknown;
  readonly typeIds?: unknown;
  readonly children?: readonly ForeignData[];
  readonly dictionary?: { readonly data: readonly ForeignData[] };
  readonly variadicBuffers?: readonly Uint8Array[];
}

export interface BatchLike {
  readonly schema: ForeignSchema;
  readonly data: ForeignData;
}

/** A batch of this copy is one of any copy; only apache-arrow's own declarations do not say so. */
export type AnyBatch = RecordBatch | BatchLike;

export interface TableLike {
  readonly schema: ForeignSchema;
  readonly batches: readonly BatchLike[];
}

/** Whether a value is a RecordBatch of any copy. */
export function isBatch(value: unknown): value is BatchLike {
  return hasSchema(value) && 'data' in value && typeof value.data === 'object' && value.data !== null && 'length' in value.data && !Array.isArray(value.data);
}

/** Whether a value is a Table of any copy. */
export function isTable(value: unknown): value is TableLike {
  return hasSchema(value) && 'batches' in value && Array.isArray(value.batches);
}

function hasSchema(value: unknown): value is { schema: ForeignSchema } {
  return typeof value === 'object' && value !== null && 'schema' in value && isSchema(value.schema);
}

function isSchema(value: unknown): value is ForeignSchema {
  return typeof value === 'object' && value !== null && 'fields' in value && Array.isArray(value.fields);
}

export function adoptSchema(schema: object): Schema {
  return schema.constructor === Schema ? (schema as Schema) : adoptSchemaTypes(schema as ForeignSchema);
}

/**
 * The batch in this copy's classes and exactly under `schema`, the schema of the stream it goes into. Nullability and
 * metadata may differ from it, the columns may not.
 * @throws SchemaMismatch naming the first differing column
 */
export function adoptBatch(any: AnyBatch, schema: Schema): RecordBatch {
  if (any instanceof RecordBatch && any.schema === schema) return any;
  const batch = any as BatchLike;
  const { fields } = batch.schema;
  const { length } = batch.data;
  const children = schema.fields.map((field, index) => {
    const found = fields[index];
    const child = batch.data.children?.[index];
    if (found === undefined || child === undefined) throw mismatch(field.name, 'is missing in a later batch');
    if (found.name !== field.name) throw mismatch(field.name, `is called "${found.name}" in a later batch`);
    return adoptData(child, field.type, field.name);
  });
  const surplus = fields[schema.fields.length];
  if (surplus !== undefined) throw mismatch(surplus.name, 'is not in the first batch');
  return new RecordBatch(schema, new Data<Struct>(new Struct(schema.fields), 0, length, 0, {}, children));
}

function adoptData(data: ForeignData, type: DataType, field: string): Data {
  if (!sameKind(data.type, type)) throw mismatch(field, `has type ${String(data.type)} in a later batch, not ${kindText(type)}`);
  const children = (data.children ?? []).map((child, index) => adoptData(child, (type.children as { type: DataType }[])[index]?.type as DataType, field));
  const buffers = [data.valueOffsets, data.values, data.nullBitmap, data.typeIds] as unknown as ConstructorParameters<typeof Data>[4];
  const dictionary = data.dictionary === undefined ? undefined : adoptDictionary(data.dictionary, (type as Dictionary).dictionary, field);
  return new Data(type, data.offset, data.length, data.nullCount, buffers, children, dictionary, [...(data.variadicBuffers ?? [])]);
}

/** One rebuilt dictionary per original, so that batches that share one send it once. */
const ADOPTED = new WeakMap<object, Vector>();

function adoptDictionary(dictionary: { readonly data: readonly ForeignData[] }, type: DataType, field: string): Vector {
  if (dictionary instanceof Vector && dictionary.type === type) return dictionary;
  const known = ADOPTED.get(dictionary);
  if (known !== undefined && known.type === type) return known;
  const adopted = new Vector(dictionary.data.map((data) => adoptData(data, type, field)));
  ADOPTED.set(dictionary, adopted);
  return adopted;
}

function kindText(type: { toString(): string }): string {
  return type.toString();
}

const TRAITS = ['bitWidth', 'isSigned', 'precision', 'scale', 'unit', 'timezone', 'byteWidth', 'listSize', 'mode'] as const;

/** Equal but for nullability, field metadata and dictionary ids, which are only names within a stream. */
function sameKind(type: ForeignType | undefined, own: DataType | undefined): boolean {
  if (type === undefined || own === undefined || type.typeId !== own.typeId) return false;
  const other = own as unknown as ForeignType;
  if (TRAITS.some((trait) => (type[trait] ?? null) !== (other[trait] ?? null))) return false;
  if (own.typeId === Type.Dictionary) {
    const { dictionary, indices } = own as Dictionary;
    return sameKind(type['dictionary'] as ForeignType, dictionary) && sameKind(type['indices'] as ForeignType, indices);
  }
  const children = type.children ?? [];
  const ownChildren = other.children ?? [];
  return children.length === ownChildren.length && children.every((child, index) => sameKind(child.type, ownChildren[index]?.type as unknown as DataType));
}

function mismatch(field: string, how: string): Error {
  return new SchemaMismatch(`Column "${field}" ${how}: all batches of one insert have the same columns`, { field, how });
}
