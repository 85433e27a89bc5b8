import {
  type Data,
  type Decimal,
  type FixedSizeList,
  IntervalUnit,
  type RecordBatch,
  type Struct,
  TimeUnit,
  Type,
  type Union,
  UnionMode,
  Vector,
} from 'apache-arrow';

/** Largest distance from 1970 that a Date holds, in ms. */
const DATE_MAX_MS = 8.64e15;
const DAY_MS = 86_400_000n;
/** Ticks a second, by Arrow's TimeUnit. */
const TICKS: Readonly<Record<number, bigint>> = {
  [TimeUnit.SECOND]: 1n,
  [TimeUnit.MILLISECOND]: 1_000n,
  [TimeUnit.MICROSECOND]: 1_000_000n,
  [TimeUnit.NANOSECOND]: 1_000_000_000n,
};

type ReadValue = (index: number) => unknown;

/**
 * A batch's rows as plain objects. 64-bit integers are bigint; decimals exact text; dates and timestamps Date (in ms:
 * finer digits are cut off; a value no Date holds stays a bigint of its Arrow unit); times text such as
 * `12:30:00.000001`; durations bigint in their unit; intervals `{ months, days, nanos }`; structs objects, lists arrays,
 * maps Map, bytes Uint8Array of their own. A second column of a name becomes `name_1`.
 */
export function* rowsOfBatch(batch: RecordBatch): Generator<Record<string, unknown>, void, undefined> {
  const row = structReader(batch.data);
  for (let index = 0; index < batch.numRows; index += 1) yield row(index);
}

function structReader(data: Data<Struct>): (index: number) => Record<string, unknown> {
  const names = uniqueNames(data.type.children.map((field) => field.name));
  const readers = data.children.map((child) => readerOf(child));
  return (index) => {
    const row: Record<string, unknown> = {};
    for (const [at, name] of names.entries()) {
      const value = readers[at]?.(index) ?? null;
      if (name === '__proto__') Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true });
      else row[name] = value;
    }
    return row;
  };
}

function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set(names);
  const seen = new Set<string>();
  return names.map((name) => {
    let unique = name;
    for (let n = 1; seen.has(unique) || (unique !== name && taken.has(unique)); n += 1) unique = `${name}_${n}`;
    seen.add(unique);
    return unique;
  });
}

/** A reader compiled once per column of a batch, so that a value costs no look at its type. */
function readerOf(data: Data): ReadValue {
  if (data.typeId === Type.Union) return unionReader(data as Data<Union>);
  const read = validReader(data);
  return (index) => (data.getValid(index) ? read(index) : null);
}

function validReader(data: Data): ReadValue {
  const raw = data.values as ArrayLike<bigint | number>;
  const unit = (data.type as { unit?: number }).unit ?? 0;
  switch (data.typeId) {
    case Type.Struct:
      return structReader(data as Data<Struct>);
    case Type.List:
    case Type.LargeList:
      return listReader(data);
    case Type.FixedSizeList:
      return fixedListReader(data as Data<FixedSizeList>);
    case Type.Map:
      return mapReader(data);
    case Type.Dictionary:
      return dictionaryReader(data);
    case Type.Decimal:
      return decimalReader(data as Data<Decimal>);
    case Type.Date:
      return (index) => dateOf(raw[index] as number | bigint, data.values instanceof Int32Array ? DAY_MS : 1n, 1n);
    case Type.Timestamp:
      return (index) => dateOf(raw[index] as bigint, 1_000n, TICKS[unit] as bigint);
    case Type.Time:
      return (index) => timeText(BigInt(raw[index] as bigint | number), TICKS[unit] as bigint);
    case Type.Interval:
      return (index) => intervalOf(data.values as Int32Array, unit, index);
    default:
      return leafReader(data);
  }
}

function leafReader(data: Data): ReadValue {
  const vector = new Vector([data]);
  return (index) => {
    const value: unknown = vector.get(index);
    // Bytes of their own: a view would hold on to the whole batch, and show what a caller writes into it.
    return value instanceof Uint8Array ? value.slice() : value;
  };
}

function listReader(data: Data): ReadValue {
  const child = readerOf(data.children[0] as Data);
  const offsets = data.valueOffsets as ArrayLike<number | bigint>;
  return (index) => range(child, Number(offsets[index]), Number(offsets[index + 1]));
}

function fixedListReader(data: Data<FixedSizeList>): ReadValue {
  const child = readerOf(data.children[0] as Data);
  const size = data.type.listSize;
  return (index) => range(child, index * size, (index + 1) * size);
}

function range(read: ReadValue, begin: number, end: number): unknown[] {
  return Array.from({ length: end - begin }, (_none, at) => read(begin + at));
}

function mapReader(data: Data): ReadValue {
  const [keys, values] = (data.children[0] as Data).children.map((child) => readerOf(child)) as [ReadValue, ReadValue];
  const offsets = data.valueOffsets as ArrayLike<number>;
  return (index) => {
    const map = new Map<unknown, unknown>();
    for (let at = Number(offsets[index]); at < Number(offsets[index + 1]); at += 1) map.set(keys(at), values(at));
    return map;
  };
}

function dictionaryReader(data: Data): ReadValue {
  const chunks = (data.dictionary as Vector).data.map((chunk) => ({ length: chunk.length, read: readerOf(chunk) }));
  const keys = data.values as ArrayLike<number | bigint>;
  return (index) => {
    let key = Number(keys[index]);
    for (const chunk of chunks) {
      if (key < chunk.length) return chunk.read(key);
      key -= chunk.length;
    }
    return null;
  };
}

function unionReader(data: Data<Union>): ReadValue {
  const { type, typeIds, valueOffsets } = data;
  const readers = data.children.map((child) => readerOf(child));
  return (index) => {
    const child = readers[type.typeIdToChildIndex[typeIds[index] as number] as number];
    return child?.(type.mode === UnionMode.Dense ? Number((valueOffsets as ArrayLike<number>)[index]) : index) ?? null;
  };
}

function decimalReader(data: Data<Decimal>): ReadValue {
  const { scale, bitWidth } = data.type;
  const words = bitWidth / 32;
  const values = data.values as ArrayLike<number>;
  return (index) => {
    let unscaled = 0n;
    for (let word = words - 1; word >= 0; word -= 1) unscaled = (unscaled << 32n) | BigInt((values[index * words + word] as number) >>> 0);
    return decimalText(BigInt.asIntN(bitWidth, unscaled), scale);
  };
}

function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale));
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function dateOf(raw: number | bigint, perTickMs: bigint, ticks: bigint): Date | bigint {
  const scaled = BigInt(raw) * perTickMs;
  // Towards the past, so that an instant before 1970 does not move to a later ms.
  const ms = Number((scaled - (((scaled % ticks) + ticks) % ticks)) / ticks);
  return Math.abs(ms) <= DATE_MAX_MS ? new Date(ms) : BigInt(raw);
}

function timeText(raw: bigint, ticks: bigint): string {
  const seconds = raw / ticks;
  const two = (part: bigint): string => String(part).padStart(2, '0');
  const fraction = ticks === 1n ? '' : `.${String(raw % ticks).padStart(String(ticks).length - 1, '0')}`;
  return `${two(seconds / 3_600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}${fraction}`;
}

const YEAR_MONTH: number = IntervalUnit.YEAR_MONTH;
const DAY_TIME: number = IntervalUnit.DAY_TIME;

function intervalOf(values: Int32Array, unit: number, index: number): { months: number; days: number; nanos: bigint } {
  if (unit === YEAR_MONTH) return { months: values[index] as number, days: 0, nanos: 0n };
  if (unit === DAY_TIME) return { months: 0, days: values[2 * index] as number, nanos: BigInt(values[2 * index + 1] as number) * 1_000_000n };
  const [months, days, low, high] = values.subarray(4 * index, 4 * index + 4) as unknown as [number, number, number, number];
  return { months, days, nanos: (BigInt(high) << 32n) | BigInt(low >>> 0) };
}
