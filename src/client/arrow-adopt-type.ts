import {
  Binary,
  BinaryView,
  Bool,
  type DataType,
  Date_,
  Decimal,
  Dictionary,
  Duration,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float,
  Int,
  type Int32,
  Interval,
  LargeBinary,
  LargeList,
  LargeUtf8,
  List,
  Map_,
  Null,
  Schema,
  Struct,
  Time,
  Timestamp,
  Type,
  Union,
  Utf8,
  Utf8View,
} from 'apache-arrow';
import { UnsupportedType } from '../domain/errors.ts';

/** What types of any copy or recent version of apache-arrow have in common. */
export interface ForeignType {
  readonly typeId: number;
  readonly children?: readonly ForeignField[] | null;
  readonly [property: string]: unknown;
}

export interface ForeignField {
  readonly name: string;
  readonly type: ForeignType;
  readonly nullable: boolean;
  readonly metadata?: ReadonlyMap<string, string>;
}

export interface ForeignSchema {
  readonly fields: readonly ForeignField[];
  readonly metadata?: ReadonlyMap<string, string>;
}

/** The same schema in this copy's classes. */
export function adoptSchemaTypes(schema: ForeignSchema): Schema {
  return new Schema(schema.fields.map(adoptField), new Map(schema.metadata ?? []));
}

function adoptField(field: ForeignField): Field {
  return new Field(field.name, adoptType(field.type, field.name), field.nullable, new Map(field.metadata ?? []));
}

type Rebuild = (type: ForeignType, children: Field[], field: string) => DataType;

const number = (type: ForeignType, property: string): number => type[property] as number;

/** By Arrow's type ids, which all versions share; a concrete type such as Int32 carries its general id here. */
const REBUILD: ReadonlyMap<number, Rebuild> = new Map<number, Rebuild>([
  [Type.Null, () => new Null()],
  [Type.Bool, () => new Bool()],
  [Type.Int, (type) => new Int(type['isSigned'] as boolean, number(type, 'bitWidth') as 8)],
  [Type.Float, (type) => new Float(number(type, 'precision'))],
  [Type.Decimal, (type) => new Decimal(number(type, 'scale'), number(type, 'precision'), number(type, 'bitWidth'))],
  [Type.Utf8, () => new Utf8()],
  [Type.LargeUtf8, () => new LargeUtf8()],
  [Type.Utf8View, () => new Utf8View()],
  [Type.Binary, () => new Binary()],
  [Type.LargeBinary, () => new LargeBinary()],
  [Type.BinaryView, () => new BinaryView()],
  [Type.FixedSizeBinary, (type) => new FixedSizeBinary(number(type, 'byteWidth'))],
  [Type.Date, (type) => new Date_(number(type, 'unit'))],
  [Type.Time, (type) => new Time(number(type, 'unit'), number(type, 'bitWidth') as 32)],
  [Type.Timestamp, (type) => new Timestamp(number(type, 'unit'), type['timezone'] as string | null)],
  [Type.Interval, (type) => new Interval(number(type, 'unit'))],
  [Type.Duration, (type) => new Duration(number(type, 'unit'))],
  [Type.List, (_type, children) => new List(children[0] as Field)],
  [Type.LargeList, (_type, children) => new LargeList(children[0] as Field)],
  [Type.FixedSizeList, (type, children) => new FixedSizeList(number(type, 'listSize'), children[0] as Field)],
  [Type.Struct, (_type, children) => new Struct(children)],
  [Type.Map, (type, children) => new Map_(children[0] as Field<Struct>, type['keysSorted'] as boolean)],
  [Type.Union, (type, children) => new Union(number(type, 'mode'), type['typeIds'] as Int32Array, children)],
  [
    Type.Dictionary,
    (type, _children, field) =>
      new Dictionary(
        adoptType(type['dictionary'] as ForeignType, field),
        adoptType(type['indices'] as ForeignType, field) as Int32,
        type['id'] as number,
        type['isOrdered'] as boolean,
      ),
  ],
]);

function adoptType(type: ForeignType, field: string): DataType {
  const rebuild = REBUILD.get(type.typeId);
  if (rebuild === undefined)
    throw new UnsupportedType(`Column "${field}" has an Arrow type that is not known here (id ${type.typeId})`, { field, arrow_type: String(type) });
  // A dictionary shows its values' children as its own.
  const children = type.typeId === Type.Dictionary ? [] : (type.children ?? []).map(adoptField);
  return rebuild(type, children, field);
}
