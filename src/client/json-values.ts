/** Nesting that a row or a parameter may have; more is taken for a cycle. */
const DEPTH_MAX = 64;
/** Bytes turned to base64 in one step: a multiple of 3, and few enough for an argument list. */
const BASE64_STEP_BYTES = 0x6000;

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * How 64-bit integers are written: `text` always as text (rows, which the node reads by column type), `compact` as
 * numbers where they are exact (parameters, which have no column).
 */
type BigintStyle = 'text' | 'compact';

/**
 * A JavaScript value as JSON that loses nothing: bigint and non-finite numbers as text, Date as ISO text, bytes as
 * base64, other typed arrays and sets as arrays, maps as objects.
 * @throws TypeError for what has no JSON form: functions, symbols, invalid dates, cycles
 */
export function jsonValue(value: unknown, bigints: BigintStyle, depth = 0): Json {
  if (depth > DEPTH_MAX) throw new TypeError(`it is nested more than ${DEPTH_MAX} levels deep, or contains itself`);
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return bigints === 'compact' && Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case 'undefined':
      return null;
    case 'object':
      return value === null ? null : objectAsJson(value, bigints, depth + 1);
    default:
      throw new TypeError(`a ${typeof value} is not a value`);
  }
}

function objectAsJson(value: object, bigints: BigintStyle, depth: number): Json {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new TypeError('an invalid Date is not a value');
    return value.toISOString();
  }
  if (value instanceof Uint8Array || value instanceof Uint8ClampedArray) return base64(value);
  if (value instanceof ArrayBuffer) return base64(new Uint8Array(value));
  if (value instanceof DataView) return base64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  if (Array.isArray(value) || ArrayBuffer.isView(value) || value instanceof Set) {
    return Array.from(value as Iterable<unknown>, (item) => jsonValue(item, bigints, depth));
  }
  if (value instanceof Map) return entriesAsJson(value, bigints, depth);
  if ('toJSON' in value && typeof value.toJSON === 'function') return jsonValue((value.toJSON as () => unknown)(), bigints, depth);
  return entriesAsJson(Object.entries(value), bigints, depth);
}

function entriesAsJson(entries: Iterable<readonly [unknown, unknown]>, bigints: BigintStyle, depth: number): Json {
  const object: { [key: string]: Json } = {};
  for (const [key, value] of entries) {
    // A plain assignment to `__proto__` would be lost.
    if (value !== undefined) Object.defineProperty(object, String(key), { value: jsonValue(value, bigints, depth), enumerable: true });
  }
  return object;
}

function base64(bytes: ArrayLike<number>): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += BASE64_STEP_BYTES) {
    const length = Math.min(BASE64_STEP_BYTES, bytes.length - start);
    text += btoa(String.fromCharCode(...Array.from({ length }, (_none, index) => bytes[start + index] as number)));
  }
  return text;
}
