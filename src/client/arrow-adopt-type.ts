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
  type DateUnit,
  type IntervalUnit,
  type Precision,
  type TimeUnit,
  type UnionMode,
  Type,
  Union,
  Utf8,
  Utf8View,
} from 'apache-arrow';
import { UnsupportedType } from '../domain/errors.ts';

/** What types of any copy or recent version of apache-arrow have in common. */
export interface ForeignType {
  readonly typeId: Type;
  readonly children?: readonly ForeignField[] | null;
  toString(): string;
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

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- names, at each use, what the property of a foreign type holds
const trait = <Trait = number>(type: ForeignType, property: string): Trait => type[property] as Trait;

/** By Arrow's type ids, which all versions share; a concrete type such as Int32 carries its general id here. */
const REBUILD: ReadonlyMap<number, Rebuild> = new Map<number, Rebuild>([
  [Type.Null, () => new Null()],
  [Type.Bool, () => new Bool()],
  [Type.Int, (type) => new Int(trait<boolean>(type, 'isSigned'), trait<8>(type, 'bitWidth'))],
  [Type.Float, (type) => new Float(trait<Precision>(type, 'precision'))],
  [Type.Decimal, (type) => new Decimal(trait(type, 'scale'), trait(type, 'precision'), trait(type, 'bitWidth'))],
  [Type.Utf8, () => new Utf8()],
  [Type.LargeUtf8, () => new LargeUtf8()],
  [Type.Utf8View, () => new Utf8View()],
  [Type.Binary, () => new Binary()],
  [Type.LargeBinary, () => new LargeBinary()],
  [Type.BinaryView, () => new BinaryView()],
  [Type.FixedSizeBinary, (type) => new FixedSizeBinary(trait(type, 'byteWidth'))],
  [Type.Date, (type) => new Date_(trait<DateUnit>(type, 'unit'))],
  [Type.Time, (type) => new Time(trait<TimeUnit>(type, 'unit'), trait<32>(type, 'bitWidth'))],
  [Type.Timestamp, (type) => new Timestamp(trait<TimeUnit>(type, 'unit'), trait<string | null>(type, 'timezone'))],
  [Type.Interval, (type) => new Interval(trait<IntervalUnit>(type, 'unit'))],
  [Type.Duration, (type) => new Duration(trait<TimeUnit>(type, 'unit'))],
  [Type.List, (_type, children) => new List(children[0] as Field)],
  [Type.LargeList, (_type, children) => new LargeList(children[0] as Field)],
  [Type.FixedSizeList, (type, children) => new FixedSizeList(trait(type, 'listSize'), children[0] as Field)],
  [Type.Struct, (_type, children) => new Struct(children)],
  [Type.Map, (type, children) => new Map_(children[0] as Field<Struct>, trait<boolean>(type, 'keysSorted'))],
  [Type.Union, (type, children) => new Union(trait<UnionMode>(type, 'mode'), trait<Int32Array>(type, 'typeIds'), children)],
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
