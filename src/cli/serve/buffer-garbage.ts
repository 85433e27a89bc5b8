import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { HttpServerOptions } from '../../http/options.ts';

type Metrics = HttpServerOptions['metrics'];

/** The first Node.js whose V8 lets the bound below be set. */
const NODE_MAJOR_MIN = 22;
/** V8 counts two spaces of so many MB, and doubles both on 64-bit machines: dead buffers are collected at 16 MB. */
const SPACE_MB = 4;
/** Of body bytes between two collections of the young, where that bound cannot be set. */
const COLLECT_EVERY_BYTES = 8 * 1_048_576;

/**
 * Each piece of a body is a buffer of its own outside V8's heap, dead once it was passed on. Node 24 lets 64 MB of them
 * gather before it looks, Node 22 half of that, and Node 20 marks its whole heap again and again meanwhile, which took
 * as much of the processor as the bodies themselves; collected early, the next pieces reuse memory that the caches
 * still hold. The young generation itself keeps its size, so calls that stream nothing do not notice.
 * @returns the metrics, whose count of body bytes is what collections are timed by
 */
export function collectBuffersEarly(metrics: Metrics): Metrics {
  if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN) {
    setFlagsFromString(`--scavenger-max-new-space-capacity-mb=${SPACE_MB}`);
    return metrics;
  }
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void;
  let passedBytes = 0;
  const bytes: Metrics['bytes'] = (direction, count) => {
    metrics.bytes(direction, count);
    passedBytes += count;
    if (passedBytes < COLLECT_EVERY_BYTES) return;
    passedBytes = 0;
    collect({ type: 'minor' });
  };
  return { ...metrics, bytes };
}
