import { isSet, sliceBits, allSet, both, bytesOfBits, type Bits } from './bits.ts';

/** Rows of a column in the order they are wanted. */
export interface Rows {
  readonly count: number;
  /** The first one, when they follow each other. */
  readonly start: number;
  /** Which ones, when they do not; where `valid` is unset a pick means nothing. */
  readonly picks?: Int32Array | undefined;
  /** Unset where a parent has no value; what is not valid is not looked at, since nobody promised that it is anything. */
  readonly valid?: Bits | undefined;
}

/** Which of the rows have a value: their own bit and all their parents'. None when all have. */
export function validOf(validity: Bits | undefined, { count, start, picks, valid }: Rows): Bits | undefined {
  if (validity === undefined) return valid;
  const own = picks === undefined ? sliceBits(validity, start, count) : pickBits(validity, picks, valid, count);
  return both(allSet(own, count) ? undefined : own, valid, count);
}

/** The picked bits; unset where `valid` is. */
export function pickBits(bits: Bits, picks: Int32Array, valid: Bits | undefined, count: number): Bits {
  const out = new Uint8Array(bytesOfBits(count));
  for (let index = 0; index < count; index++) {
    if (valid !== undefined && !isSet(valid, index)) continue;
    const pick = picks[index]!;
    out[index >> 3]! |= ((bits[pick >> 3]! >> (pick & 7)) & 1) << (index & 7);
  }
  return out;
}

/** Gathers picked values of so many bytes each into `out`; zeros where there is none. */
export function pickValues(bytes: Uint8Array, width: number, picks: Int32Array, valid: Bits | undefined, count: number, out: Uint8Array): void {
  if (valid !== undefined) out.fill(0);
  for (let index = 0; index < count; index++) {
    if (valid !== undefined && !isSet(valid, index)) continue;
    const from = picks[index]! * width;
    const to = index * width;
    for (let byte = 0; byte < width; byte++) out[to + byte] = bytes[from + byte]!;
  }
}
