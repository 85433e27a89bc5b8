import { broken } from './arrow-flatbuffer.ts';

const MAGIC = 0x18_4d_22_04;
const MATCH_MIN_BYTES = 4;
/** Below this a loop copies faster than a call. */
const SHORT_BYTES = 24;

/**
 * Fills `output` from an LZ4 frame. Every length and distance is checked against both buffers, so hostile bytes are
 * refused or give some bytes of their own; checksums are not looked at.
 * @throws InvalidArrow when the frame is broken, cut off, or of another size
 */
export function readLz4Frame(frame: Uint8Array, output: Uint8Array): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const [flags, blockSize] = [view.getUint8(4), view.getUint8(5)];
  if (view.getUint32(0, true) !== MAGIC || flags >> 6 !== 1) throw broken('a compressed buffer that is no LZ4 frame');
  const [hasBlockChecksum, hasSize, hasDictionary] = [flags & 16, flags & 8, flags & 1];
  if (hasDictionary !== 0 || blockSize >> 4 < 4) throw broken('an LZ4 frame of a kind that is not read');
  let at = 7 + (hasSize === 0 ? 0 : 8);
  let filled = 0;
  for (;;) {
    const size = view.getUint32(at, true);
    at += 4;
    if (size === 0) break;
    const bytes = size & 0x7f_ff_ff_ff;
    if (at + bytes > frame.length) throw broken('an LZ4 frame that is cut off');
    const block = frame.subarray(at, at + bytes);
    filled = size >= 0x80_00_00_00 ? copyBlock(block, output, filled) : readBlock(block, output, filled);
    at += bytes + (hasBlockChecksum === 0 ? 0 : 4);
  }
  if (filled !== output.length) throw broken(`an LZ4 frame of ${filled} bytes where ${output.length} were announced`);
}

function copyBlock(block: Uint8Array, output: Uint8Array, to: number): number {
  // A block too many is a RangeError, which is refused like a broken one.
  output.set(block, to);
  return to + block.length;
}

/** @returns where the output ends then */
function readBlock(block: Uint8Array, output: Uint8Array, from: number): number {
  let at = 0;
  let to = from;
  const longer = (length: number): number => {
    let whole = length;
    for (let more = 255; more === 255; whole += more) {
      if (at >= block.length) throw broken('an LZ4 block that is cut off');
      more = block[at++]!;
    }
    return whole;
  };
  while (at < block.length) {
    const token = block[at++]!;
    const literals = token >> 4 === 15 ? longer(15) : token >> 4;
    if (at + literals > block.length || to + literals > output.length) throw broken('an LZ4 block with texts that are too long');
    if (literals > SHORT_BYTES) output.set(block.subarray(at, at + literals), to);
    else for (let index = 0; index < literals; index++) output[to + index] = block[at + index]!;
    at += literals;
    to += literals;
    // The last sequence of a block is its text alone.
    if (at === block.length) return to;
    const distance = block[at]! | (block[at + 1]! << 8);
    if (at + 2 > block.length || distance === 0 || distance > to) throw broken('an LZ4 block that refers to what is not there');
    at += 2;
    const length = ((token & 15) === 15 ? longer(15) : token & 15) + MATCH_MIN_BYTES;
    if (to + length > output.length) throw broken('an LZ4 block that is too long');
    repeat(output, to, distance, length);
    to += length;
  }
  return to;
}

/** What stands `distance` before is said again, itself included when it is longer than that. */
function repeat(output: Uint8Array, to: number, distance: number, length: number): void {
  if (distance >= length && length > SHORT_BYTES) output.copyWithin(to, to - distance, to - distance + length);
  else if (distance === 1) output.fill(output[to - 1]!, to, to + length);
  else for (let index = to; index < to + length; index++) output[index] = output[index - distance]!;
}
