import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { JournalLifecycleLog } from '../../src/embedded/lifecycle-log.ts';
import type { ChainEntry } from '../../src/ports/lifecycle-log.ts';
import { acme, collect, decisionOf, newHolder, newSession, recordOf } from '../conformance/samples.ts';
import { WatchedFiles } from './journal-files.ts';
import { openJournal, scratchFolder } from './scratch.ts';

const holder = newHolder();

function segmentIn(folder: string): string {
  return join(
    folder,
    readdirSync(folder)
      .filter((name) => name.endsWith('.jsonl'))
      .toSorted()[0] ?? 'none',
  );
}

async function writeJournal(folder: string): Promise<ChainEntry[]> {
  const { log } = await openJournal(folder);
  const [one, two] = [newSession(), newSession()];
  await log.append(0, recordOf(one, 'opened'), holder);
  await log.append(0, recordOf(two, 'opened'), holder);
  await log.decide(decisionOf(one, 'close'));
  await log.append(1, recordOf(one, 'closed'), holder);
  const entries = await collect(log.read(acme, {}));
  await log.close();
  return entries;
}

describe('what the journal answered', () => {
  it('was written and synced before the answer', async () => {
    const files = new WatchedFiles();
    const { log } = await openJournal(scratchFolder(), { files });
    files.calls.length = 0;
    const session = newSession();
    await log.append(0, recordOf(session, 'opened'), holder).then(() => files.calls.push('answered'));
    await log.decide(decisionOf(session, 'close')).then(() => files.calls.push('decided'));
    await log.append(1, recordOf(session, 'closed'), holder).then(() => files.calls.push('answered'));
    // A decision is proved by the record that follows from it: one write and one sync make both durable.
    const once = ['write', 'datasync', 'synced', 'answered'];
    expect(files.calls).toEqual([...once, 'decided', ...once]);
    await log.close();
  });

  it('is synced soon, a decision too that no record follows', async () => {
    const folder = scratchFolder();
    const files = new WatchedFiles();
    const { log } = await openJournal(folder, { files });
    files.calls.length = 0;
    await log.decide(decisionOf(newSession(), 'close'));
    await vi.waitFor(() => expect(files.calls).toEqual(['write', 'datasync', 'synced']));
    expect(await JournalLifecycleLog.verify(folder)).toMatchObject({ entries: 1 });
    await log.close();
  });

  it('is there after a close that came at once', async () => {
    const folder = scratchFolder();
    const { log } = await openJournal(folder);
    const session = newSession();
    await log.decide(decisionOf(session, 'close'));
    await log.close();
    const again = await openJournal(folder);
    expect(await again.log.decision(acme, session)).toMatchObject({ decision: { reason: 'close' } });
    await again.log.close();
  });

  it('shares one sync among all that wait', async () => {
    const files = new WatchedFiles();
    const { log } = await openJournal(scratchFolder(), { files });
    files.calls.length = 0;
    await Promise.all(Array.from({ length: 200 }, async () => log.append(0, recordOf(newSession(), 'opened'), holder)));
    // One write takes what one turn of the event loop brought; two allow for a turn between.
    expect(files.calls.filter((call) => call === 'synced').length).toBeLessThanOrEqual(2);
    await log.close();
  });

  it('stands at the next start', async () => {
    const folder = scratchFolder();
    const entries = await writeJournal(folder);
    const { log, notices } = await openJournal(folder);
    expect(await collect(log.read(acme, {}))).toEqual(entries);
    expect(notices).toEqual([]);
    const [session] = entries.map(({ record }) => record.session_id);
    expect(await log.append(2, recordOf(session ?? newSession(), 'timed_out'), holder)).toMatchObject({ outcome: 'occupied', entry: entries.at(-1) });
    expect(await log.decide(decisionOf(session ?? newSession(), 'idle'))).toMatchObject({ won: false, decision: { reason: 'close' } });
    expect(await collect(log.unfinished())).toMatchObject([{ session: entries[1]?.record.session_id, openedBy: holder }]);
    await log.close();
  });
});

describe('a journal cut off or changed', () => {
  it('is repaired when its last line was torn, at whichever byte', async () => {
    const source = scratchFolder();
    const entries = await writeJournal(source);
    const name = segmentIn(source).slice(source.length + 1);
    const bytes = readFileSync(segmentIn(source));
    const lastStart = bytes.lastIndexOf('\n', bytes.length - 2) + 1;
    const folder = scratchFolder();
    for (let cut = lastStart; cut < bytes.length; cut += 1) {
      writeFileSync(join(folder, name), bytes.subarray(0, cut));
      const { log, notices } = await openJournal(folder);
      // Only the newline missing: the entry is whole, and kept.
      const kept = cut === bytes.length - 1 ? entries : entries.slice(0, -1);
      expect(await collect(log.read(acme, {})), `cut at ${cut}`).toEqual(kept);
      expect(notices.map(({ kind }) => kind)).toEqual(cut === lastStart ? [] : ['journal_torn']);
      // Goes on after the repair; at every byte that would be a minute of syncs.
      const goesOn = cut % 32 === 0 || cut === bytes.length - 1;
      if (goesOn) await log.append(0, recordOf(newSession(), 'opened'), holder);
      await log.close();
      if (goesOn) expect(await JournalLifecycleLog.verify(folder)).toMatchObject({ tornBytes: 0, entries: cut === bytes.length - 1 ? 5 : 4 });
    }
  });

  it('is repaired when a power cut left a hole at its end', async () => {
    const folder = scratchFolder();
    const entries = await writeJournal(folder);
    const bytes = readFileSync(segmentIn(folder));
    const lastStart = bytes.lastIndexOf('\n', bytes.length - 2) + 1;
    writeFileSync(segmentIn(folder), Buffer.from(bytes).fill(0, lastStart + 20, lastStart + 60));
    const { log, notices } = await openJournal(folder);
    expect(notices.map(({ kind }) => kind)).toEqual(['journal_torn']);
    expect(await collect(log.read(acme, {}))).toEqual(entries.slice(0, -1));
    await log.close();
  });

  it('is refused when any one byte of it was changed', async () => {
    const folder = scratchFolder();
    await writeJournal(folder);
    const path = segmentIn(folder);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (bytes[at] ?? 0) ^ 4;
      writeFileSync(path, changed);
      await expect(JournalLifecycleLog.verify(folder), `byte ${at} of ${bytes.length}`).rejects.toMatchObject({ code: 'internal', fields: { file: path } });
    }
    await expect(openJournal(folder)).rejects.toThrow(/damaged at byte/);
  });

  it('is refused when a line was taken out or put in twice', async () => {
    const folder = scratchFolder();
    await writeJournal(folder);
    const lines = readFileSync(segmentIn(folder), 'utf8').trimEnd().split('\n');
    for (const changed of [lines.toSpliced(1, 1), lines.toSpliced(1, 0, lines[1] ?? ''), lines.slice(1)]) {
      writeFileSync(segmentIn(folder), `${changed.join('\n')}\n`);
      await expect(openJournal(folder)).rejects.toMatchObject({ code: 'internal' });
    }
  });
});

describe('a journal that cannot be written', () => {
  it.each(['write', 'half-write', 'datasync'] as const)('rejects when "%s" fails, and goes on once it is mended', async (failing) => {
    const folder = scratchFolder();
    const files = new WatchedFiles();
    const { log, notices } = await openJournal(folder, { files });
    const [before, during, after] = [newSession(), newSession(), newSession()];
    await log.append(0, recordOf(before, 'opened'), holder);
    files.failing = failing;
    await log.decide(decisionOf(before, 'close'));
    const refused = await Promise.allSettled([
      log.append(0, recordOf(during, 'opened'), holder),
      log.append(0, recordOf(during, 'opened'), newHolder()),
      log.append(1, recordOf(before, 'closed'), holder),
    ]);
    for (const outcome of refused) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    expect(log.isSound).toBe(false);
    files.failing = undefined;
    // What was refused is not there, and may be tried again.
    await vi.waitFor(async () => expect(await log.chain(acme, during)).toEqual([]));
    expect(await log.decision(acme, before)).toBeUndefined();
    expect(await log.append(0, recordOf(during, 'opened'), holder)).toMatchObject({ outcome: 'created' });
    expect(await log.append(0, recordOf(after, 'opened'), holder)).toMatchObject({ outcome: 'created' });
    expect(notices.map(({ kind }) => kind)).toEqual(['journal_failed', 'journal_repaired']);
    await log.close();
    expect(await JournalLifecycleLog.verify(folder)).toMatchObject({ entries: 3, tornBytes: 0 });
  });

  it('takes no record whose decision went with a failed write, until it was decided again (I2)', async () => {
    const folder = scratchFolder();
    const files = new WatchedFiles();
    const { log } = await openJournal(folder, { files });
    const session = newSession();
    await log.append(0, recordOf(session, 'opened'), holder);
    await log.decide(decisionOf(session, 'close'));
    files.failing = 'datasync';
    await expect(log.append(0, recordOf(newSession(), 'opened'), holder)).rejects.toMatchObject({ code: 'unavailable' });
    files.failing = undefined;
    expect(await log.append(1, recordOf(session, 'closed'), holder)).toEqual({ outcome: 'undecided' });
    expect(await log.chain(acme, session)).toHaveLength(1);
    expect(await log.decide(decisionOf(session, 'close'))).toMatchObject({ won: true });
    expect(await log.append(1, recordOf(session, 'closed'), holder)).toMatchObject({ outcome: 'created' });
    await log.close();
    const kinds = readFileSync(segmentIn(folder), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => /"kind":"(\w+)"/.exec(line)?.[1]);
    expect(kinds).toEqual(['record', 'decision', 'record']);
  });

  it('stays refused while the repair fails too', async () => {
    const files = new WatchedFiles();
    const { log } = await openJournal(scratchFolder(), { files });
    files.failing = 'datasync';
    const session = newSession();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expect(log.append(0, recordOf(session, 'opened'), holder)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    }
    await log.close();
  });
});
