import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LeaseStore } from '../../src/ports/lease-store.ts';
import { contextOf, newHolder, newSession } from './samples.ts';

/** What every lease store must do; `openOne` gives an empty one, whose `close` the suite calls. */
export function leaseStoreConforms(name: string, openOne: () => Promise<LeaseStore>): void {
  describe(`the lease store ${name}`, () => {
    let store: LeaseStore;
    beforeEach(async () => {
      store = await openOne();
    });
    afterEach(async () => store.close());

    it('finds a session by its holder and by itself, with the context last put', async () => {
      const [holder, session] = [newHolder(), newSession()];
      await store.put({ holder, session, context: contextOf(1) });
      await store.put({ holder, session, context: contextOf(200) });
      const lease = { holder, session, context: contextOf(200) };
      expect(await store.find(session)).toEqual(lease);
      expect(await store.leases(holder)).toEqual([lease]);
    });

    it('says whether it held the previous counter, and shows the last one', async () => {
      const holder = newHolder();
      expect((await store.heartbeat(holder, 1)).previousSeen).toBe(false);
      expect((await store.heartbeat(holder, 2)).previousSeen).toBe(true);
      expect((await store.heartbeat(holder, 3)).previousSeen).toBe(true);
      expect(await store.holders()).toEqual([{ holder, counter: 3 }]);
    });

    it('keeps two incarnations of one node apart', async () => {
      const [before, after] = [newHolder(), newHolder()];
      const session = newSession();
      await store.put({ holder: before, session, context: contextOf(7) });
      await store.heartbeat(after, 1);
      expect(await store.leases(after)).toEqual([]);
      expect(await store.leases(before)).toHaveLength(1);
      expect(await store.holders()).toHaveLength(2);
    });

    it('tells a holder of a decision at its heartbeat, until it lets go of the session', async () => {
      const [holder, session] = [newHolder(), newSession()];
      await store.put({ holder, session, context: contextOf(1) });
      await store.heartbeat(holder, 1);
      await store.revoke(holder, session);
      expect((await store.heartbeat(holder, 2)).revoked).toEqual([session]);
      await store.remove(holder, session);
      expect((await store.heartbeat(holder, 3)).revoked).toEqual([]);
    });

    it('forgets a holder only when none of its sessions is left', async () => {
      const [holder, session] = [newHolder(), newSession()];
      await store.heartbeat(holder, 1);
      await store.put({ holder, session, context: contextOf(1) });
      expect(await store.forget(holder)).toBe(false);
      await store.remove(holder, session);
      expect(await store.find(session)).toBeUndefined();
      expect(await store.forget(holder)).toBe(true);
      expect(await store.holders()).toEqual([]);
    });

    it('takes the removal of what it does not hold', async () => {
      const holder = newHolder();
      await store.remove(holder, newSession());
      expect(await store.leases(holder)).toEqual([]);
      expect(await store.find(newSession())).toBeUndefined();
    });
  });
}
