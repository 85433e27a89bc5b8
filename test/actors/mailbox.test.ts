import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Mailbox } from '../../actors/mailbox.ts';
import type { Turn } from '../../actors/mailbox.ts';
import { Unavailable } from '../../src/domain/errors.ts';

describe('a session’s mailbox', () => {
  it('lets one in at a time, in the order of arrival, whoever gives up while waiting', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }), async (givesUp) => {
        const mailbox = new Mailbox(20);
        const first = await mailbox.enter();
        const order: number[] = [];
        let inside = 0;
        const calls = givesUp.map(async (leaves, index) => {
          const controller = new AbortController();
          const turn = mailbox.enter(controller.signal);
          if (leaves) controller.abort();
          try {
            const mine = await turn;
            inside += 1;
            expect(inside).toBe(1);
            order.push(index);
            await Promise.resolve();
            inside -= 1;
            mine.leave();
          } catch (error) {
            expect(error).toMatchObject({ code: 'query_cancelled' });
          }
        });
        first.leave();
        await Promise.all(calls);
        await mailbox.idle();
        expect(order).toEqual(givesUp.flatMap((leaves, index) => (leaves ? [] : [index])));
      }),
    );
  });

  it('refuses above its bound, names the limit, and loses no place to a refused one', async () => {
    const mailbox = new Mailbox(1);
    const running = await mailbox.enter();
    const waiting = mailbox.enter();
    await expect(mailbox.enter()).rejects.toMatchObject({ code: 'session_busy', limit: 1, quota: 'queue' });
    running.leave();
    (await waiting).leave();
    await mailbox.idle();
  });

  it('turns away those that wait when the session closes, and lets the running one finish', async () => {
    const mailbox = new Mailbox(4);
    const running: Turn = await mailbox.enter();
    const waiting = mailbox.enter();
    mailbox.refuseWaiting(() => new Unavailable('closing'));
    await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
    running.leave();
    running.leave();
    await mailbox.idle();
  });
});
