import { flatbuffer, int16, int32, int64, int8, type FlatNode, type FlatSlot } from '../../src/duckdb/flatbuffer-writer.ts';
import type { ArrowField, ArrowType } from '../../src/duckdb/arrow-schema.ts';

/** Nodes and buffers of some rows of a column, in the order of its schema. */
export interface Parts {
  readonly nodes: number[];
  readonly buffers: Uint8Array[];
  readonly variadicCounts: number[];
}

export const noParts = (): Parts => ({ nodes: [], buffers: [], variadicCounts: [] });

const METADATA_VERSION = 4;
const HEADER = { schema: 1, dictionaryBatch: 2, recordBatch: 3 } as const;
const FLAG = (on: boolean): FlatSlot => int8(on ? 1 : 0);

/** Writes Arrow's whole format, the parts that no JavaScript library writes included. */
export function schemaMessage(fields: readonly ArrowField[]): Uint8Array {
  return message(HEADER.schema, { table: [int16(0), { nodes: fields.map(fieldNode) }] }, []);
}

export function batchMessage(rows: number, parts: Parts): Uint8Array {
  return message(HEADER.recordBatch, recordBatch(rows, parts), parts.buffers);
}

export function dictionaryMessage(id: bigint, rows: number, parts: Parts, isDelta: boolean): Uint8Array {
  const header = { table: [int64(Number(id)), recordBatch(rows, parts), FLAG(isDelta)] };
  return message(HEADER.dictionaryBatch, header, parts.buffers);
}

export const END_OF_STREAM = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);

function recordBatch(rows: number, { nodes, buffers, variadicCounts }: Parts): FlatNode {
  let at = 0;
  const regions = buffers.flatMap(({ length }) => {
    const region = [at, length];
    at += padded(length);
    return region;
  });
  const counts = variadicCounts.length === 0 ? undefined : { int64s: variadicCounts, width: 1 };
  return { table: [int64(rows), { int64s: nodes, width: 2 }, { int64s: regions, width: 2 }, undefined, counts] };
}

function message(headerType: number, header: FlatNode, buffers: readonly Uint8Array[]): Uint8Array {
  const bodyBytes = buffers.reduce((sum, { length }) => sum + padded(length), 0);
  const metadata = flatbuffer({ table: [int16(METADATA_VERSION), int8(headerType), header, int64(bodyBytes)] });
  const bytes = new Uint8Array(8 + metadata.length + bodyBytes);
  new DataView(bytes.buffer).setUint32(0, 0xff_ff_ff_ff, true);
  new DataView(bytes.buffer).setUint32(4, metadata.length, true);
  bytes.set(metadata, 8);
  let at = 8 + metadata.length;
  for (const buffer of buffers) {
    bytes.set(buffer, at);
    at += padded(buffer.length);
  }
  return bytes;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

function fieldNode({ name, nullable, type, children, dictionary }: ArrowField): FlatNode {
  const [id, slots] = typeTable(type);
  const encoding =
    dictionary && ({ table: [int64(Number(dictionary.id)), { table: [int32(dictionary.bits), FLAG(dictionary.signed)] }, FLAG(false)] } satisfies FlatNode);
  return { table: [{ text: name }, FLAG(nullable), int8(id), { table: slots }, encoding, { nodes: children.map(fieldNode) }] };
}

const OFFSETS_ID = { utf8: { 4: 5, 8: 20, view: 24 }, binary: { 4: 4, 8: 19, view: 23 }, list: { 4: 12, 8: 21 }, listView: { 4: 25, 8: 26 } } as const;

function typeTable(type: ArrowType): [number, FlatSlot[]] {
  switch (type.kind) {
    case 'null':
      return [1, []];
    case 'int':
      return [2, [int32(type.bits), FLAG(type.signed)]];
    case 'float':
      return [3, [int16([16, 32, 64].indexOf(type.bits))]];
    case 'bool':
      return [6, []];
    case 'decimal':
      return [7, [int32(type.precision), int32(type.scale), int32(type.bits)]];
    case 'date':
      return [8, [int16(type.unit === 'day' ? 0 : 1)]];
    case 'time':
      return [9, [int16(type.unit), int32(type.bits)]];
    case 'timestamp':
      return [10, [int16(type.unit), type.timezone === undefined ? undefined : { text: type.timezone }]];
    case 'interval':
      return [11, [int16(['yearMonth', 'dayTime', 'monthDayNano'].indexOf(type.unit))]];
    case 'struct':
      return [13, []];
    case 'union':
      throw new Error('Unions cannot be held and are not written');
    case 'fixedBinary':
      return [15, [int32(type.bytes)]];
    case 'fixedList':
      return [16, [int32(type.size)]];
    case 'map':
      return [17, []];
    case 'duration':
      return [18, [int16(type.unit)]];
    case 'runEndEncoded':
      return [22, []];
    case 'utf8':
    case 'binary':
      return [OFFSETS_ID[type.kind][type.offsets], []];
    case 'list':
    case 'listView':
      return [OFFSETS_ID[type.kind][type.offsets], []];
  }
}
