import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { spread } from '../../actors/spread.ts';

describe('an interval that many nodes have', () => {
  it('is spread by a tenth around what was set, and kept to it without chance', () => {
    expect(spread(2_500)).toBe(2_500);
    expect(spread(2_500, () => 0)).toBe(2_250);
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 60_000 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (ms, chance) => {
        const spreadMs = spread(ms, () => chance);
        expect(spreadMs).toBeGreaterThanOrEqual(ms * 0.9 - 1e-6);
        expect(spreadMs).toBeLessThanOrEqual(ms * 1.1);
      }),
    );
  });
});
