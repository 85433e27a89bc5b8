import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { JournalLifecycleLog } from '../../src/embedded/lifecycle-log.ts';
import type { EmbeddedNotice } from '../../src/embedded/notice.ts';
import { JournalOutbox, type OutboxOptions } from '../../src/embedded/outbox.ts';
import { collect, newHolder, newSession, recordOf } from '../conformance/samples.ts';
import { WatchedFiles } from './journal-files.ts';
import { openJournal, scratchFolder, ShiftedClock } from './scratch.ts';

const HOUR_MS = 3_600_000;
const holder = newHolder();

async function openOutbox(folder: string, options: Partial<OutboxOptions> = {}): Promise<{ outbox: JournalOutbox; notices: EmbeddedNotice[] }> {
  const notices: EmbeddedNotice[] = [];
  const clock = new ShiftedClock();
  const outbox = await JournalOutbox.open(folder, { clock, onNotice: (notice) => notices.push(notice), retentionMs: HOUR_MS, ...options });
  return { outbox, notices };
}

describe('an outbox', () => {
  it('has synced what it kept before it answers, all that wait in one sync', async () => {
    const files = new WatchedFiles();
    const { outbox } = await openOutbox(scratchFolder(), { files });
    files.calls.length = 0;
    await outbox.keep(1, recordOf(newSession(), 'closed'), holder).then(() => files.calls.push('answered'));
    expect(files.calls).toEqual(['write', 'datasync', 'synced', 'answered']);
    files.calls.length = 0;
    await Promise.all(Array.from({ length: 100 }, async () => outbox.keep(1, recordOf(newSession(), 'closed'), holder)));
    expect(files.calls.filter((call) => call === 'synced').length).toBeLessThanOrEqual(2);
    await outbox.close();
  });

  it('writes what was settled along with what is kept next: no sync of its own', async () => {
    const files = new WatchedFiles();
    const { outbox } = await openOutbox(scratchFolder(), { files });
    const first = await outbox.keep(0, recordOf(newSession(), 'opened'), holder);
    files.calls.length = 0;
    outbox.settle(first.appendId, 1);
    await outbox.keep(0, recordOf(newSession(), 'opened'), holder);
    expect(files.calls).toEqual(['write', 'datasync', 'synced']);
    expect(await collect(outbox.settled())).toEqual([first]);
    await outbox.close();
  });

  it('owes at the next start what was neither settled nor withdrawn, oldest first, and never an opened', async () => {
    const folder = scratchFolder();
    const { outbox } = await openOutbox(folder);
    const [opened, settled, failed, withdrawn, closed] = [
      await outbox.keep(0, recordOf(newSession(), 'opened'), holder),
      await outbox.keep(1, recordOf(newSession(), 'closed'), holder),
      await outbox.keep(1, recordOf(newSession(), 'partial_deletion_failure'), holder),
      await outbox.keep(1, recordOf(newSession(), 'closed'), holder),
      await outbox.keep(2, recordOf(newSession(), 'timed_out'), newHolder('helper')),
    ];
    outbox.settle(settled.appendId, 7);
    outbox.withdraw(withdrawn.appendId);
    // What this run owes is its callers' to bring in.
    expect(outbox.owed()).toEqual([]);
    await outbox.close();
    const again = await openOutbox(folder);
    expect(again.outbox.owed()).toEqual([failed, closed]);
    expect(await collect(again.outbox.settled())).toEqual([settled]);
    expect(again.notices).toEqual([]);
    // An `opened` that is seen standing later counts all the same.
    again.outbox.settle(opened.appendId, 3);
    again.outbox.settle(closed.appendId, 9);
    again.outbox.settle('nobody knows it', 10);
    expect(again.outbox.owed()).toEqual([failed]);
    expect(again.outbox.latest).toEqual(closed);
    await again.outbox.close();
  });

  it('keeps a record once however often it is tried, whatever the time', async () => {
    const folder = scratchFolder();
    const { outbox } = await openOutbox(folder);
    const record = recordOf(newSession(), 'closed');
    const first = await outbox.keep(1, record, holder);
    const later = { ...record, occurred_at: '2026-01-02T03:04:09.000Z' };
    expect(await Promise.all([outbox.keep(1, later, holder), outbox.keep(1, later, holder)])).toEqual([first, first]);
    expect(await outbox.keep(1, { ...record, deleted_row_count: 4 }, holder)).not.toEqual(first);
    expect(await outbox.keep(2, record, holder)).not.toEqual(first);
    outbox.settle(first.appendId, 1);
    expect((await outbox.keep(1, later, holder)).appendId).not.toBe(first.appendId);
    await outbox.close();
  });

  it('remembers which log holds what is settled, through retention too', async () => {
    const folder = scratchFolder();
    const clock = new ShiftedClock();
    const options = { clock, segmentBytes: 700 };
    const { outbox } = await openOutbox(folder, options);
    expect(outbox.stream).toBeUndefined();
    await outbox.adopt('the first');
    const owed = await outbox.keep(1, recordOf(newSession(), 'closed'), holder);
    for (let i = 1; i <= 5; i += 1) outbox.settle((await outbox.keep(1, recordOf(newSession(), 'closed'), holder)).appendId, i);
    const files = readdirSync(folder).length;
    clock.aheadMs = 2 * HOUR_MS;
    await outbox.keep(0, recordOf(newSession(), 'opened'), holder);
    expect(readdirSync(folder).length).toBeGreaterThanOrEqual(files);
    outbox.withdraw(owed.appendId);
    await outbox.keep(0, recordOf(newSession(), 'opened'), holder);
    await vi.waitFor(() => expect(readdirSync(folder).length).toBeLessThan(files));
    await outbox.close();
    const again = await openOutbox(folder, options);
    expect(again.outbox.stream).toBe('the first');
    await again.outbox.adopt(undefined);
    await again.outbox.close();
    expect((await openOutbox(folder, options)).outbox.stream).toBeUndefined();
  });

  it('repairs a last line that was torn, and refuses damage', async () => {
    const folder = scratchFolder();
    const { outbox } = await openOutbox(folder);
    const entry = await outbox.keep(1, recordOf(newSession(), 'closed'), holder);
    await outbox.close();
    appendFileSync(join(folder, readdirSync(folder)[0] ?? 'none'), '{"offset":2,"previous":"00');
    const again = await openOutbox(folder);
    expect(again.notices.map(({ kind }) => kind)).toEqual(['journal_torn']);
    expect(again.outbox.owed()).toEqual([entry]);
    await again.outbox.close();
    expect(await JournalLifecycleLog.verify(folder)).toMatchObject({ entries: 1, tornBytes: 0 });
  });

  it('does not take a lifecycle journal for its own, nor the other way round', async () => {
    const [ofLog, ofOutbox] = [scratchFolder(), scratchFolder()];
    const { log } = await openJournal(ofLog);
    await log.append(0, recordOf(newSession(), 'opened'), holder);
    await log.close();
    const { outbox } = await openOutbox(ofOutbox);
    await outbox.keep(0, recordOf(newSession(), 'opened'), holder);
    await outbox.close();
    await expect(openOutbox(ofLog)).rejects.toMatchObject({ code: 'internal' });
    await expect(openJournal(ofOutbox)).rejects.toMatchObject({ code: 'internal' });
  });

  it('rejects while the disk fails, and goes on once it is mended', async () => {
    const files = new WatchedFiles();
    const { outbox } = await openOutbox(scratchFolder(), { files });
    const record = recordOf(newSession(), 'closed');
    files.failing = 'datasync';
    await expect(outbox.keep(1, record, holder)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    files.failing = undefined;
    await vi.waitFor(async () => expect(await outbox.keep(1, record, holder)).toMatchObject({ n: 1, record, holder }));
    await outbox.close();
  });
});
