import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JournalLifecycleLog } from '../../src/embedded/lifecycle-log.ts';
import type { SessionId } from '../../src/domain/ids.ts';
import { acme, collect, decisionOf, entryOf, newHolder, newSession, recordOf, rival } from '../conformance/samples.ts';
import { openJournal, scratchFolder, ShiftedClock } from './scratch.ts';

const holder = newHolder();
const HOUR_MS = 3_600_000;
const small = { segmentBytes: 700, retentionMs: HOUR_MS };

function segmentNames(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .toSorted();
}

async function live(log: JournalLifecycleLog, session: SessionId): Promise<void> {
  await log.append(0, recordOf(session, 'opened'), holder);
  await log.decide(decisionOf(session, 'close'));
  await log.append(1, recordOf(session, 'closed'), holder);
}

describe('retention', () => {
  it('deletes what is over and old, and the rest still proves itself', async () => {
    const folder = scratchFolder();
    const clock = new ShiftedClock();
    const { log, notices } = await openJournal(folder, { ...small, clock });
    const [old, young] = [newSession(), newSession()];
    await live(log, old);
    const before = segmentNames(folder);
    clock.aheadMs = 2 * HOUR_MS;
    await live(log, young);
    expect(await log.chain(acme, old)).toEqual([]);
    expect(await log.decision(acme, old)).toBeUndefined();
    expect(await log.chain(acme, young)).toHaveLength(2);
    expect(notices.map(({ kind }) => kind)).toContain('segment_deleted');
    expect(segmentNames(folder)).not.toContain(before[0]);
    await log.close();

    const report = await JournalLifecycleLog.verify(folder);
    expect(report.firstOffset).toBeGreaterThan(1);
    expect(report.lastOffset).toBe(6);
    const again = await openJournal(folder, { ...small, clock });
    expect(await again.log.chain(acme, young)).toHaveLength(2);
    expect((await collect(again.log.read(acme, {}))).at(-1)).toMatchObject({ offset: 6 });
    await again.log.close();
  });

  it('keeps every session that has not ended, however old (I3)', async () => {
    const folder = scratchFolder();
    const clock = new ShiftedClock();
    const { log } = await openJournal(folder, { ...small, clock });
    const [unfinished, over] = [newSession(), newSession()];
    await log.append(0, recordOf(unfinished, 'opened'), holder);
    await live(log, over);
    clock.aheadMs = 1_000 * HOUR_MS;
    await live(log, newSession());
    expect(await log.chain(acme, unfinished)).toHaveLength(1);
    await log.close();
    const again = await openJournal(folder, { ...small, clock });
    expect(await collect(again.log.unfinished())).toEqual([{ tenant: acme, session: unfinished, openedBy: holder }]);
    await again.log.close();
  });

  it('does not pass for a loss: a first segment that somebody else deleted is noticed', async () => {
    const folder = scratchFolder();
    const { log } = await openJournal(folder, small);
    await live(log, newSession());
    await live(log, newSession());
    await log.close();
    rmSync(join(folder, segmentNames(folder)[0] ?? 'none'));
    await expect(openJournal(folder, small)).rejects.toMatchObject({ code: 'internal' });
  });
});

describe('a follower', () => {
  it('sees every entry of its tenant once and in order, whenever it joins and however slow it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ mine: fc.boolean(), burst: fc.integer({ min: 1, max: 6 }) }), { minLength: 1, maxLength: 25 }),
        fc.nat(40),
        fc.nat(30),
        fc.integer({ min: 200, max: 4_000 }),
        async (bursts, joinAfter, from, segmentBytes) => {
          const { log } = await openJournal(scratchFolder(), { segmentBytes });
          const written: number[] = [];
          const seen: number[] = [];
          const stop = new AbortController();
          let following: Promise<void> | undefined;
          const total = bursts.reduce((sum, { burst }) => sum + burst, 0);
          let count = 0;
          for (const { mine, burst } of bursts) {
            following ??= count >= joinAfter % total ? follow(log, from, stop.signal, seen) : undefined;
            const entries = Array.from({ length: burst }, async () => log.append(0, recordOf(newSession(), 'opened', mine ? acme : rival), holder));
            for (const { offset } of (await Promise.all(entries)).map(entryOf)) if (mine && offset >= from) written.push(offset);
            count += burst;
          }
          following ??= follow(log, from, stop.signal, seen);
          // Closing gives followers all that is durable, then ends them.
          await log.close();
          await following;
          expect(seen).toEqual(written);
        },
      ),
      { numRuns: 60 },
    );
  });
});

async function follow(log: JournalLifecycleLog, from: number, signal: AbortSignal, seen: number[]): Promise<void> {
  for await (const { offset } of log.read(acme, { from, follow: true, signal })) {
    seen.push(offset);
    if (offset % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
