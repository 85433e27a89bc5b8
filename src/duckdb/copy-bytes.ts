/** Copies this short are quicker byte by byte. */
const SHORT_BYTES = 24;

export function copyBytes(from: Uint8Array, begin: number, size: number, into: Uint8Array, at: number): void {
  if (size > SHORT_BYTES) into.set(from.subarray(begin, begin + size), at);
  else for (let index = 0; index < size; index++) into[at + index] = from[begin + index]!;
}
