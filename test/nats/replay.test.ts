import { cpSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { SessionId } from '../../src/domain/ids.ts';
import type { LifecycleLog } from '../../src/ports/lifecycle-log.ts';
import { acme, newHolder, newSession, recordOf } from '../conformance/samples.ts';
import { startProcess } from '../embedded/node-process.ts';
import { scratchFolder } from '../embedded/scratch.ts';
import { countMessages, oneServer, openNode, until } from './nats-node.ts';

const holder = newHolder();
const built = pathToFileURL(createRequire(import.meta.url).resolve('mayfly/worker'));

/** A writer as a process of its own that opens the session, and ends it when it gets SIGUSR2: it says when its own disk has that. */
function startWriter(url: string, folder: string, session: SessionId): ReturnType<typeof startProcess> {
  return startProcess(`
    const { openNats } = await import('${new URL('../nats/open-nats.js', built).href}');
    const { JournalOutbox } = await import('${new URL('../embedded/outbox.js', built).href}');
    const clock = new SystemClock();
    const holder = { node: 'writer', incarnation: 'one' };
    const outbox = await JournalOutbox.open(${JSON.stringify(folder)}, { clock, onNotice: () => {}, retentionMs: ${30 * 86_400_000} });
    const nats = await openNats({
      urls: ['${url}'], outbox, clock, holder, retentionMs: ${30 * 86_400_000}, pursuitMs: ${2 * 86_400_000}, secret: 'the secret of one cluster',
      onNotice: ({ kind }) => say(kind),
    });
    await nats.log.append(0, ${JSON.stringify(recordOf(session, 'opened'))}, holder);
    const told = new Promise((resolve) => process.once('SIGUSR2', resolve));
    say('open');
    await told;
    const kept = outbox.keep.bind(outbox);
    outbox.keep = async (...args) => { const entry = await kept(...args); say('kept'); return entry; };
    await nats.log.append(1, ${JSON.stringify(recordOf(session, 'closed'))}, holder).then(({ outcome }) => say(outcome), ({ code }) => say(code));
  `);
}

async function live(log: LifecycleLog, session: SessionId): Promise<void> {
  await log.append(0, recordOf(session, 'opened'), holder);
  await log.append(1, recordOf(session, 'closed'), holder);
}

async function eventsOf(log: LifecycleLog, session: SessionId): Promise<readonly string[]> {
  return (await log.chain(acme, session)).map(({ record }) => record.event);
}

describe('a writer that is killed between its own disk and the log', () => {
  it.each(['pause', 'kill'] as const)('has its record brought in by the next run, once (the server: %s)', async (fault) => {
    const server = await oneServer();
    const session = newSession();
    const folder = path.join(scratchFolder(), 'outbox');
    const writer = startWriter(server.url, folder, session);
    for (const said of ['stream_created', 'stream_created', 'open']) expect(await writer.next()).toBe(said);
    if (fault === 'pause') server.pause();
    else await server.kill();
    if (fault === 'kill') expect(await writer.next()).toBe('nats_disconnected');
    writer.child.kill('SIGUSR2');
    expect(await writer.next()).toBe('kept');
    await writer.kill();
    if (fault === 'pause') server.resume();
    else await server.start();

    const next = await openNode([server], { folder });
    expect(next.outbox.owed()).toHaveLength(1);
    await next.replay();
    await next.replay();
    expect(await eventsOf(next.log, session)).toEqual(['opened', 'closed']);
    expect(next.outbox.owed()).toEqual([]);
    await next.close();
    const third = await openNode([server], { folder });
    await third.replay();
    expect(await countMessages([server])).toBe(2);
  });
});

describe('what an earlier run owes', () => {
  it('is passed over when the session has its end, or the same was said, and else follows what stands', async () => {
    const server = await oneServer();
    const folder = path.join(scratchFolder(), 'outbox');
    const before = await openNode([server], { folder });
    const [ended, said, unsaid] = [newSession(), newSession(), newSession()];
    for (const session of [ended, said, unsaid]) await before.log.append(0, recordOf(session, 'opened'), holder);
    await before.outbox.keep(1, recordOf(ended, 'timed_out'), holder);
    await before.outbox.keep(1, recordOf(said, 'partial_deletion_failure'), holder);
    await before.outbox.keep(1, recordOf(unsaid, 'closed'), holder);
    await before.outbox.keep(0, recordOf(newSession(), 'opened'), holder);
    await before.close();
    const helper = await openNode([server]);
    await helper.log.append(1, recordOf(ended, 'closed'), holder);
    await helper.log.append(1, { ...recordOf(said, 'partial_deletion_failure'), occurred_at: '2026-02-03T04:05:06.789Z' }, holder);
    await helper.log.append(1, { ...recordOf(unsaid, 'partial_deletion_failure'), ephemeral_table_count: 1 }, holder);

    const next = await openNode([server], { folder });
    await next.replay();
    expect(await eventsOf(next.log, ended)).toEqual(['opened', 'closed']);
    expect(await eventsOf(next.log, said)).toEqual(['opened', 'partial_deletion_failure']);
    expect(await eventsOf(next.log, unsaid)).toEqual(['opened', 'partial_deletion_failure', 'closed']);
    await next.replay();
    expect(await countMessages([server])).toBe(7);
  });
});

describe('a stream that lost records', () => {
  it('has the chains of every node back after it was recreated, in order', async () => {
    const server = await oneServer();
    const [one, two] = [await openNode([server]), await openNode([server])];
    await Promise.all([one.replay(), two.replay()]);
    const [whole, shared, open] = [newSession(), newSession(), newSession()];
    await live(one.log, whole);
    await one.log.append(0, recordOf(shared, 'opened'), holder);
    await two.log.append(1, recordOf(shared, 'timed_out'), holder);
    await one.log.append(0, recordOf(open, 'opened'), holder);
    await server.kill();
    rmSync(path.join(server.folder, 'jetstream'), { recursive: true });
    await server.start();
    await until(async () => {
      expect(await eventsOf(one.log, whole)).toEqual(['opened', 'closed']);
      expect(await eventsOf(two.log, shared)).toEqual(['opened', 'timed_out']);
      expect(await eventsOf(two.log, open)).toEqual(['opened']);
    });
    expect(one.notices.map(({ kind }) => kind)).toContain('stream_lost');
    expect(await one.log.append(1, recordOf(open, 'closed'), holder)).toMatchObject({ outcome: 'created' });
    await Promise.all([one.replay(), two.replay()]);
    expect(await countMessages([server])).toBe(6);
  });

  it('has back what it lost after it fell back to an older state, and nothing twice', async () => {
    const server = await oneServer();
    const node = await openNode([server]);
    await node.replay();
    const [before, after] = [newSession(), newSession()];
    await live(node.log, before);
    await server.stop();
    const copy = path.join(scratchFolder(), 'copy');
    cpSync(server.folder, copy, { recursive: true });
    await server.start();
    await until(() => live(node.log, after));
    await server.kill();
    rmSync(path.join(server.folder, 'jetstream'), { recursive: true });
    cpSync(path.join(copy, 'jetstream'), path.join(server.folder, 'jetstream'), { recursive: true });
    await server.start();
    await until(async () => expect(await eventsOf(node.log, after)).toEqual(['opened', 'closed']));
    expect(await eventsOf(node.log, before)).toEqual(['opened', 'closed']);
    await node.replay();
    expect(await countMessages([server])).toBe(4);
  });

  it('is noticed by the next run as well', async () => {
    const server = await oneServer();
    const folder = path.join(scratchFolder(), 'outbox');
    const before = await openNode([server], { folder });
    await before.replay();
    const session = newSession();
    await live(before.log, session);
    await before.close();
    await server.kill();
    rmSync(path.join(server.folder, 'jetstream'), { recursive: true });
    await server.start();
    const next = await openNode([server], { folder });
    expect(await eventsOf(next.log, session)).toEqual([]);
    await next.replay();
    expect(await eventsOf(next.log, session)).toEqual(['opened', 'closed']);
  });
});
