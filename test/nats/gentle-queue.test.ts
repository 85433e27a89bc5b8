import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/embedded/system-clock.ts';
import { GentleQueue } from '../../src/nats/gentle-queue.ts';

describe('a gentle queue', () => {
  it('runs one thing at a time in their order, rests as long as each took, and goes on after a failure', async () => {
    const clock = new SystemClock();
    const queue = new GentleQueue(clock);
    const spans: { readonly fromMs: number; readonly toMs: number }[] = [];
    const work = (index: number) => async (): Promise<number> => {
      const fromMs = clock.monotonicMs();
      await new Promise((resolve) => setTimeout(resolve, 15));
      spans.push({ fromMs, toMs: clock.monotonicMs() });
      if (index === 1) throw new Error('it failed');
      return index;
    };
    const settled = await Promise.allSettled([0, 1, 2].map((index) => queue.run(work(index))));
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    for (const [index, span] of spans.slice(1).entries()) {
      const before = spans[index]!;
      expect(span.fromMs - before.toMs).toBeGreaterThanOrEqual((before.toMs - before.fromMs) * 0.8);
    }
  });

  it('refuses when too many wait', async () => {
    const queue = new GentleQueue(new SystemClock());
    const never = Array.from({ length: 501 }, async () => queue.run(() => new Promise(() => {})));
    await expect(Promise.race(never)).rejects.toMatchObject({ code: 'unavailable', fields: { limit: 500 } });
  });
});
