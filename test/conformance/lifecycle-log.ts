import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChainEntry, LifecycleLog } from '../../src/ports/lifecycle-log.ts';
import { acme, collect, decisionOf, entryOf, newHolder, newSession, recordOf, rival } from './samples.ts';

/** What every lifecycle log must do; `openOne` gives an empty one, whose `close` the suite calls. */
export function lifecycleLogConforms(name: string, openOne: () => Promise<LifecycleLog>): void {
  describe(`the lifecycle log ${name}`, () => {
    const holder = newHolder();
    let log: LifecycleLog;
    beforeEach(async () => {
      log = await openOne();
    });
    afterEach(async () => log.close());

    it('appends a chain and reads it back', async () => {
      const session = newSession();
      const opened = await log.append(0, recordOf(session, 'opened'), holder);
      await log.decide(decisionOf(session, 'close'));
      const failed = await log.append(1, recordOf(session, 'partial_deletion_failure'), holder);
      const closed = await log.append(2, recordOf(session, 'closed'), holder);
      expect([opened.outcome, failed.outcome, closed.outcome]).toEqual(['created', 'created', 'created']);
      const chain = [opened, failed, closed].map(entryOf);
      expect(await log.chain(acme, session)).toEqual(chain);
      expect(chain.at(-1)).toMatchObject({ n: 2, record: recordOf(session, 'closed') });
      const offsets = chain.map(({ offset }) => offset);
      expect(offsets).toEqual([...new Set(offsets)].toSorted((a, b) => a - b));
    });

    it('creates an entry once and shows the loser what stands there (I1)', async () => {
      const session = newSession();
      await log.append(0, recordOf(session, 'opened'), holder);
      await log.decide(decisionOf(session, 'close'));
      const racing = await Promise.all(
        Array.from({ length: 16 }, async (_, i) => log.append(1, { ...recordOf(session, 'closed'), deleted_row_count: i }, newHolder(`node-${i}`))),
      );
      const created = racing.filter(({ outcome }) => outcome === 'created');
      expect(created).toHaveLength(1);
      const [first, ...others] = racing.map(entryOf);
      for (const entry of others) expect(entry).toEqual(first);
      expect(await log.chain(acme, session)).toHaveLength(2);
    });

    it('takes nothing after a terminal record (I1)', async () => {
      const session = newSession();
      await log.append(0, recordOf(session, 'opened'), holder);
      await log.decide(decisionOf(session, 'deadline'));
      const end = await log.append(1, recordOf(session, 'timed_out'), holder);
      expect(await log.append(2, recordOf(session, 'closed'), holder)).toEqual({ outcome: 'occupied', entry: entryOf(end) });
      expect(await log.chain(acme, session)).toHaveLength(2);
    });

    it('refuses a gap in a chain', async () => {
      const session = newSession();
      await log.append(0, recordOf(session, 'opened'), holder);
      await expect(log.append(2, recordOf(session, 'closed'), holder)).rejects.toMatchObject({ code: 'internal' });
      expect(await log.chain(acme, session)).toHaveLength(1);
    });

    it('lets one decision stand and gives it to every loser, with its token (I2)', async () => {
      const session = newSession();
      await log.append(0, recordOf(session, 'opened'), holder);
      expect(await log.decision(acme, session)).toBeUndefined();
      const reasons = ['close', 'deadline', 'idle', 'forced'] as const;
      const racing = await Promise.all(reasons.map(async (reason) => log.decide(decisionOf(session, reason))));
      const won = racing.filter((standing) => standing.won);
      expect(won).toHaveLength(1);
      for (const standing of racing) expect({ ...standing, won: true }).toEqual(won[0]);
      expect(won[0]?.token).toBeGreaterThan(0);
      expect(await log.decision(acme, session)).toEqual({ ...won[0], won: false });
    });

    it('shows one tenant nothing of another (I7)', async () => {
      const session = newSession();
      await log.append(0, recordOf(session, 'opened'), holder);
      await log.decide(decisionOf(session, 'close'));
      expect(await log.chain(rival, session)).toEqual([]);
      expect(await log.decision(rival, session)).toBeUndefined();
      expect(await collect(log.read(rival, {}))).toEqual([]);
      expect(await collect(log.read(rival, { session }))).toEqual([]);
    });

    it('knows the sessions that have not ended, and who opened them (I3)', async () => {
      const [ended, open, failed] = [newSession(), newSession(), newSession()];
      for (const session of [ended, open, failed]) await log.append(0, recordOf(session, 'opened'), holder);
      await log.decide(decisionOf(ended, 'close'));
      await log.append(1, recordOf(ended, 'closed'), holder);
      await log.decide(decisionOf(failed, 'close'));
      await log.append(1, recordOf(failed, 'partial_deletion_failure'), newHolder('helper'));
      const unfinished = await collect(log.unfinished());
      expect(new Set(unfinished.map(({ session }) => session))).toEqual(new Set([open, failed]));
      for (const entry of unfinished) expect(entry).toMatchObject({ tenant: acme, openedBy: holder });
    });

    it('replays from an offset, inclusive, all of a tenant or one session', async () => {
      const [one, two] = [newSession(), newSession()];
      const entries: ChainEntry[] = [];
      for (const session of [one, two]) entries.push(entryOf(await log.append(0, recordOf(session, 'opened'), holder)));
      for (const session of [one, two]) {
        await log.decide(decisionOf(session, 'close'));
        entries.push(entryOf(await log.append(1, recordOf(session, 'closed'), holder)));
      }
      expect(await collect(log.read(acme, {}))).toEqual(entries);
      expect(await collect(log.read(acme, { from: entries[2]?.offset ?? 0 }))).toEqual(entries.slice(2));
      expect(await collect(log.read(acme, { session: two }))).toEqual([entries[1], entries[3]]);
      expect(await collect(log.read(acme, { from: (entries[3]?.offset ?? 0) + 1 }))).toEqual([]);
    });

    it('follows gap-free from replay to live, and ends when aborted', async () => {
      const sessions = Array.from({ length: 40 }, newSession);
      for (const session of sessions.slice(0, 20)) await log.append(0, recordOf(session, 'opened'), holder);
      const stop = new AbortController();
      const seen: ChainEntry[] = [];
      const following = (async () => {
        for await (const entry of log.read(acme, { follow: true, signal: stop.signal })) {
          seen.push(entry);
          if (seen.length === sessions.length) stop.abort();
        }
      })();
      await Promise.all(sessions.slice(20).map(async (session) => log.append(0, recordOf(session, 'opened'), holder)));
      await following;
      expect(seen.map(({ record }) => record.session_id).toSorted()).toEqual(sessions.toSorted());
      expect(seen.map(({ offset }) => offset)).toEqual(seen.map(({ offset }) => offset).toSorted((a, b) => a - b));
    });

    it('lets go of a follower that waits', async () => {
      const entries = log.read(acme, { follow: true })[Symbol.asyncIterator]();
      const next = entries.next();
      await entries.return?.();
      expect(await next).toMatchObject({ done: true });
    });

    it('is closed in the middle of a replay, which comes to its end or rejects (I8)', async () => {
      // More than a reader holds at a time.
      const sessions = Array.from({ length: 1_200 }, newSession);
      for (let at = 0; at < sessions.length; at += 50) {
        await Promise.all(sessions.slice(at, at + 50).map(async (session) => log.append(0, recordOf(session, 'opened'), holder)));
      }
      let seen = 0;
      const replay = (async () => {
        for await (const entry of log.read(acme, {})) {
          expect(entry.n).toBe(0);
          seen += 1;
          if (seen === 1) await log.close();
        }
        return 'ended';
      })();
      const outcome = await replay.catch((error: { code: string }) => error.code);
      expect({ outcome, seen }).toEqual(outcome === 'ended' ? { outcome, seen: sessions.length } : { outcome: 'unavailable', seen });
      log = await openOne();
    });

    it('takes nothing after its close', async () => {
      await log.close();
      await expect(log.append(0, recordOf(newSession(), 'opened'), holder)).rejects.toMatchObject({ code: 'unavailable' });
      log = await openOne();
    });
  });
}
