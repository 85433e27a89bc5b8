/** The share of an interval by which nodes differ, so that those that began together do not go on at the same instants. */
const SPREAD = 0.1;

/** An interval within a tenth of `ms`; exactly that without chance. @param random in [0, 1) */
export function spread(ms: number, random: () => number = () => 0.5): number {
  return ms * (1 - SPREAD + 2 * SPREAD * random());
}
