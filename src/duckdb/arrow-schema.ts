import { broken, decoding, type FlatTable } from './arrow-flatbuffer.ts';

const FIELDS_MAX = 4_096;
const DEPTH_MAX = 32;
const BIG_ENDIAN = 1;

export type TimeUnit = 0 | 1 | 2 | 3;
export type OffsetWidth = 4 | 8;

/** An Arrow type as the schema message tells it; units count from seconds (0) to nanoseconds (3). */
export type ArrowType =
  | { readonly kind: 'null' | 'bool' | 'struct' | 'map' | 'runEndEncoded' | 'union' }
  | { readonly kind: 'int'; readonly bits: number; readonly signed: boolean }
  | { readonly kind: 'float'; readonly bits: 16 | 32 | 64 }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number; readonly bits: number }
  | { readonly kind: 'date'; readonly unit: 'day' | 'millisecond' }
  | { readonly kind: 'time'; readonly unit: TimeUnit; readonly bits: number }
  | { readonly kind: 'timestamp'; readonly unit: TimeUnit; readonly timezone: string | undefined }
  | { readonly kind: 'duration'; readonly unit: TimeUnit }
  | { readonly kind: 'interval'; readonly unit: 'yearMonth' | 'dayTime' | 'monthDayNano' }
  | { readonly kind: 'utf8' | 'binary'; readonly offsets: OffsetWidth | 'view' }
  | { readonly kind: 'fixedBinary'; readonly bytes: number }
  | { readonly kind: 'list' | 'listView'; readonly offsets: OffsetWidth }
  | { readonly kind: 'fixedList'; readonly size: number };

export interface DictionaryEncoding {
  readonly id: bigint;
  readonly bits: number;
  readonly signed: boolean;
}

export interface ArrowField {
  readonly name: string;
  /** Names from the column down, for errors: `address.street`. */
  readonly path: string;
  readonly nullable: boolean;
  /** With a dictionary: the type of the dictionary's values. */
  readonly type: ArrowType;
  readonly children: readonly ArrowField[];
  readonly dictionary?: DictionaryEncoding;
}

/** The fields of a schema message. @throws InvalidArrow */
export function readSchema(header: FlatTable): ArrowField[] {
  return decoding(() => {
    if (header.int16(0) === BIG_ENDIAN) throw broken('big-endian buffers; write it in little-endian order');
    const budget = { fields: FIELDS_MAX };
    return header.tables(1).map((field) => readField(field, '', DEPTH_MAX, budget));
  });
}

function readField(field: FlatTable, parent: string, depth: number, budget: { fields: number }): ArrowField {
  if (depth === 0) throw broken(`fields nested deeper than ${DEPTH_MAX}`);
  if (budget.fields-- === 0) throw broken(`more than ${FIELDS_MAX} fields`);
  const name = field.text(0) ?? '';
  const path = parent === '' ? name : `${parent}.${name}`;
  const type = readType(field.int8(2), field.table(3));
  const children = field.tables(5).map((child) => readField(child, path, depth - 1, budget));
  const encoding = field.table(4);
  const dictionary = encoding === undefined ? undefined : readEncoding(encoding);
  const read: ArrowField = { name, path, nullable: field.bool(1), type, children, ...(dictionary && { dictionary }) };
  checkChildren(read);
  return read;
}

function readEncoding(encoding: FlatTable): DictionaryEncoding {
  const index = encoding.table(1);
  const bits = index === undefined ? 32 : index.int32(0);
  if (![8, 16, 32, 64].includes(bits)) throw broken(`dictionary indices of ${bits} bits`);
  return { id: encoding.int64(0), bits, signed: index === undefined ? true : index.bool(1) };
}

const CHILDREN: Partial<Record<ArrowType['kind'], number>> = { list: 1, listView: 1, fixedList: 1, map: 1, runEndEncoded: 2 };

function checkChildren({ type, children, path }: ArrowField): void {
  const wanted = CHILDREN[type.kind];
  const leaf = wanted === undefined && type.kind !== 'struct' && type.kind !== 'union';
  if ((wanted !== undefined && children.length !== wanted) || (leaf && children.length > 0)) {
    throw broken(`${children.length} children in the field "${path}" of type ${type.kind}`);
  }
  const entries = children[0];
  if (type.kind === 'map' && (entries?.type.kind !== 'struct' || entries.children.length !== 2 || entries.dictionary !== undefined)) {
    throw broken(`a map "${path}" without keys and values`);
  }
  if (type.kind === 'runEndEncoded' && (entries?.type.kind !== 'int' || !entries.type.signed || entries.type.bits < 16)) {
    throw broken(`run ends of a wrong type in "${path}"`);
  }
}

function readType(id: number, table: FlatTable | undefined): ArrowType {
  if (table === undefined) throw broken('a field without a type');
  switch (id) {
    case 1:
      return { kind: 'null' };
    case 2:
      return { kind: 'int', bits: oneOf(table.int32(0), [8, 16, 32, 64], 'integer bits'), signed: table.bool(1) };
    case 3:
      return { kind: 'float', bits: at([16, 32, 64] as const, table.int16(0), 'float precision') };
    case 4:
      return { kind: 'binary', offsets: 4 };
    case 5:
      return { kind: 'utf8', offsets: 4 };
    case 6:
      return { kind: 'bool' };
    case 7:
      return readDecimal(table);
    case 8:
      return { kind: 'date', unit: at(['day', 'millisecond'] as const, table.int16(0, 1), 'date unit') };
    case 9:
      return readTime(table);
    case 10:
      return { kind: 'timestamp', unit: readUnit(table, 0), timezone: table.text(1) || undefined };
    case 11:
      return { kind: 'interval', unit: at(['yearMonth', 'dayTime', 'monthDayNano'] as const, table.int16(0), 'interval unit') };
    case 12:
      return { kind: 'list', offsets: 4 };
    case 13:
      return { kind: 'struct' };
    case 14:
      return { kind: 'union' };
    case 15:
      return { kind: 'fixedBinary', bytes: natural(table.int32(0), 'byte width') };
    case 16:
      return { kind: 'fixedList', size: natural(table.int32(0), 'list size') };
    case 17:
      return { kind: 'map' };
    case 18:
      return { kind: 'duration', unit: readUnit(table, 1) };
    case 19:
      return { kind: 'binary', offsets: 8 };
    case 20:
      return { kind: 'utf8', offsets: 8 };
    case 21:
      return { kind: 'list', offsets: 8 };
    case 22:
      return { kind: 'runEndEncoded' };
    case 23:
      return { kind: 'binary', offsets: 'view' };
    case 24:
      return { kind: 'utf8', offsets: 'view' };
    case 25:
      return { kind: 'listView', offsets: 4 };
    case 26:
      return { kind: 'listView', offsets: 8 };
    default:
      throw broken(`a field of the unknown type ${id}`);
  }
}

function readDecimal(table: FlatTable): ArrowType {
  const bits = oneOf(table.int32(2, 128), [32, 64, 128, 256], 'decimal bits');
  return { kind: 'decimal', precision: table.int32(0), scale: table.int32(1), bits };
}

function readTime(table: FlatTable): ArrowType {
  const unit = readUnit(table, 1);
  const bits = table.int32(1, 32);
  if (bits !== (unit < 2 ? 32 : 64)) throw broken(`a time of ${bits} bits in unit ${unit}`);
  return { kind: 'time', unit, bits };
}

function readUnit(table: FlatTable, otherwise: TimeUnit): TimeUnit {
  return at([0, 1, 2, 3] as const, table.int16(0, otherwise), 'time unit');
}

function at<T>(choices: readonly T[], index: number, what: string): T {
  const choice = choices[index];
  if (choice === undefined) throw broken(`an unknown ${what} ${index}`);
  return choice;
}

function oneOf(value: number, choices: readonly number[], what: string): number {
  if (!choices.includes(value)) throw broken(`${value} ${what}`);
  return value;
}

function natural(value: number, what: string): number {
  if (value < 0) throw broken(`a ${what} of ${value}`);
  return value;
}
