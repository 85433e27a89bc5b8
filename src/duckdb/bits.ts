/** One bit a row, least significant first, as Arrow and DuckDB both keep validity: set where there is a value. */
export type Bits = Uint8Array;

export function isSet(bits: Bits, index: number): boolean {
  return ((bits[index >> 3]! >> (index & 7)) & 1) === 1;
}

export function bytesOfBits(count: number): number {
  return (count + 7) >> 3;
}

/** So many bits from `start` on; a view when they begin with a byte. Bits behind the last are whatever they are. */
export function sliceBits(bits: Bits, start: number, count: number): Bits {
  const first = start >> 3;
  const shift = start & 7;
  if (shift === 0) return bits.subarray(first, first + bytesOfBits(count));
  const out = new Uint8Array(bytesOfBits(count));
  for (let index = 0; index < out.length; index++) {
    out[index] = (bits[first + index]! >> shift) | ((bits[first + index + 1] ?? 0) << (8 - shift));
  }
  return out;
}

/** Whether all of the first `count` are set. */
export function allSet(bits: Bits, count: number): boolean {
  const whole = count >> 3;
  for (let index = 0; index < whole; index++) if (bits[index] !== 0xff) return false;
  const rest = (1 << (count & 7)) - 1;
  return rest === 0 || (bits[whole]! & rest) === rest;
}

export function countSet(bits: Bits, count: number): number {
  let set = 0;
  const whole = count >> 3;
  for (let index = 0; index < whole; index++) set += ONES[bits[index]!]!;
  const rest = count & 7;
  return rest === 0 ? set : set + ONES[bits[whole]! & ((1 << rest) - 1)]!;
}

/** Where both are set; one that is missing is all set. */
export function both(one: Bits | undefined, other: Bits | undefined, count: number): Bits | undefined {
  if (one === undefined) return other;
  if (other === undefined) return one;
  const out = new Uint8Array(bytesOfBits(count));
  for (let index = 0; index < out.length; index++) out[index] = one[index]! & other[index]!;
  return out;
}

/** Every bit `times` times over: the rows' bits for items that each row has so many of. */
export function repeatBits(bits: Bits, count: number, times: number): Bits {
  const out = new Uint8Array(bytesOfBits(count * times));
  for (let row = 0; row < count; row++) {
    if (isSet(bits, row)) for (let at = row * times; at < (row + 1) * times; at++) out[at >> 3]! |= 1 << (at & 7);
  }
  return out;
}

const ONES = Uint8Array.from({ length: 256 }, (_none, byte) => {
  let ones = 0;
  for (let rest = byte; rest > 0; rest >>= 1) ones += rest & 1;
  return ones;
});
