import { setFlagsFromString } from 'node:v8';

/** The first Node.js whose V8 lets this bound be set. Node 20 collects at 32 MB. */
const NODE_MAJOR_MIN = 22;
/** V8 counts two spaces of so many MB, and doubles both on 64-bit machines: dead buffers are collected at 16 MB. */
const SPACE_MB = 4;

/**
 * Each piece of a body is a buffer of its own outside V8's heap, dead once it was passed on. Node 24 lets 64 MB of them
 * gather before it looks, Node 22 half of that; collected early, the next pieces reuse memory that the caches still hold.
 * The young generation itself keeps its size, so calls that stream nothing do not notice.
 */
export function collectBuffersEarly(): void {
  const major = Number.parseInt(process.versions.node, 10);
  if (major >= NODE_MAJOR_MIN) setFlagsFromString(`--scavenger-max-new-space-capacity-mb=${SPACE_MB}`);
}
