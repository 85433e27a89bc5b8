import { describe, expect, it } from 'vitest';
import type { ChainEntry } from '../../src/ports/lifecycle-log.ts';
import { acme, collect, entryOf, newHolder, newSession, recordOf, rival } from '../conformance/samples.ts';
import { type NatsNode, oneServer, openNode, plainClient, until } from './nats-node.ts';

const holder = newHolder();

const AT_ONCE = 200;

/** How many consumers the stream of records has. */
async function consumersSeenBy(client: Awaited<ReturnType<typeof plainClient>>): Promise<number> {
  return (await client.request('$JS.API.CONSUMER.NAMES.MAYFLY_LIFECYCLE', '')).json<{ total: number }>().total;
}

/** @param following what a follower reads until `stop` aborts it: nothing, here */
async function expectEndAtOnce(following: Promise<readonly ChainEntry[]>, stop: AbortController): Promise<void> {
  const sinceMs = performance.now();
  stop.abort();
  expect(await following).toEqual([]);
  expect(performance.now() - sinceMs).toBeLessThan(100);
}

/** Offsets of `count` new sessions' records. */
async function openMany({ log }: NatsNode, count: number, tenant = acme): Promise<readonly number[]> {
  const offsets: number[] = [];
  while (offsets.length < count) {
    const appended = Array.from({ length: Math.min(AT_ONCE, count - offsets.length) }, async () => {
      const record = recordOf(newSession(), 'opened', tenant);
      return until(() => log.append(0, record, holder));
    });
    for (const { offset } of (await Promise.all(appended)).map(entryOf)) offsets.push(offset);
  }
  return offsets.toSorted((a, b) => a - b);
}

describe('a follower', () => {
  it.each(['stopped and started', 'killed and brought back', 'paused for 8 s'] as const)('misses and repeats nothing when the server is %s', async (fault) => {
    const server = await oneServer();
    const node = await openNode([server]);
    const seen: number[] = [];
    const stop = new AbortController();
    const following = (async () => {
      for await (const { offset } of node.log.read(acme, { follow: true, signal: stop.signal })) seen.push(offset);
    })();
    const written = [...(await openMany(node, 40))];
    await openMany(node, 5, rival);
    await until(() => expect(seen).toEqual(written));
    if (fault === 'paused for 8 s') {
      server.pause();
      await until(() => expect(node.isConnected).toBe(false));
      server.resume();
    } else {
      await (fault === 'killed and brought back' ? server.kill() : server.stop());
      await server.start();
    }
    await until(() => expect(node.isConnected).toBe(true));
    written.push(...(await openMany(node, 40)));
    await until(() => expect(seen).toEqual(written));
    stop.abort();
    await following;
  });

  it('goes on after its consumer was taken away', async () => {
    const server = await oneServer();
    const node = await openNode([server]);
    const stop = new AbortController();
    const seen: ChainEntry[] = [];
    const following = (async () => {
      for await (const entry of node.log.read(acme, { follow: true, signal: stop.signal })) seen.push(entry);
    })();
    await openMany(node, 3);
    await until(() => expect(seen).toHaveLength(3));
    const client = await plainClient([server]);
    const { consumers } = (await client.request('$JS.API.CONSUMER.NAMES.MAYFLY_LIFECYCLE', '')).json<{ consumers: string[] }>();
    expect(consumers).toHaveLength(1);
    for (const name of consumers) await client.request(`$JS.API.CONSUMER.DELETE.MAYFLY_LIFECYCLE.${name}`, '');
    await openMany(node, 3);
    await until(() => expect(seen).toHaveLength(6));
    stop.abort();
    await following;
  });

  it('that is slow makes nobody hold what it has not read', async () => {
    const server = await oneServer();
    const node = await openNode([server]);
    const written = await openMany(node, 3_000);
    const client = await plainClient([server]);
    const entries = node.log.read(acme, { follow: true })[Symbol.asyncIterator]();
    expect((await entries.next()).value).toMatchObject({ offset: written[0] });
    const undelivered = async (): Promise<number> => {
      const { consumers } = (await client.request('$JS.API.CONSUMER.LIST.MAYFLY_LIFECYCLE', '')).json<{ consumers: { num_pending: number }[] }>();
      return consumers[0]?.num_pending ?? 0;
    };
    // A thousand at most came over for the one that was read.
    await until(async () => expect(await undelivered()).toBeLessThan(3_000));
    expect(await undelivered()).toBeGreaterThanOrEqual(1_900);
    const rest: number[] = [];
    while (rest.length < written.length - 1) {
      const { value } = (await entries.next()) as { value: ChainEntry };
      rest.push(value.offset);
    }
    expect(rest).toEqual(written.slice(1));
    await entries.return?.();
  });

  it('ends at once when aborted, also while the server is silent, and leaves no consumer', async () => {
    const server = await oneServer();
    const node = await openNode([server]);
    const stop = new AbortController();
    const following = collect(node.log.read(acme, { follow: true, signal: stop.signal }));
    const client = await plainClient([server]);
    await until(async () => expect(await consumersSeenBy(client)).toBe(1));
    server.pause();
    await expectEndAtOnce(following, stop);
    server.resume();
    await until(async () => expect(await consumersSeenBy(client)).toBe(0));
  });

  it('ends at once when aborted while it waits for the server to begin, and leaves no consumer', async () => {
    const server = await oneServer();
    const node = await openNode([server]);
    const client = await plainClient([server]);
    const stop = new AbortController();
    server.pause();
    const following = collect(node.log.read(acme, { follow: true, signal: stop.signal }));
    // So that it has asked.
    await new Promise((resolve) => setImmediate(resolve));
    await expectEndAtOnce(following, stop);
    server.resume();
    await until(async () => expect(await consumersSeenBy(client)).toBe(0));
  });

  it('of one session sees its chain once, wherever it begins', async () => {
    const server = await oneServer();
    const node = await openNode([server]);
    const session = newSession();
    const opened = entryOf(await node.log.append(0, recordOf(session, 'opened'), holder));
    await openMany(node, 20);
    const follow = async (from: number, count: number): Promise<readonly ChainEntry[]> => {
      const seen: ChainEntry[] = [];
      for await (const entry of node.log.read(acme, { session, from, follow: true })) if (seen.push(entry) === count) break;
      return seen;
    };
    const [all, later] = [follow(0, 3), follow(opened.offset + 1, 2)];
    const failed = entryOf(await node.log.append(1, recordOf(session, 'partial_deletion_failure'), holder));
    await openMany(node, 20);
    const closed = entryOf(await node.log.append(2, recordOf(session, 'closed'), holder));
    expect(await all).toEqual([opened, failed, closed]);
    expect(await later).toEqual([failed, closed]);
    expect(await follow(0, 3)).toEqual([opened, failed, closed]);
    expect(await collect(node.log.read(acme, { session, from: failed.offset }))).toEqual([failed, closed]);
  });

  it('ends with the log', async () => {
    const server = await oneServer();
    const node = await openNode([server]);
    const following = collect(node.log.read(acme, { follow: true }));
    await openMany(node, 2);
    await node.close();
    expect((await following).length).toBeLessThanOrEqual(2);
  });
});

describe('the sessions that have not ended', () => {
  it('are kept up from what is new, through a restart of the server', async () => {
    const server = await oneServer();
    const node = await openNode([server]);
    const life = newHolder('with-life');
    const open = newSession();
    await node.log.append(0, recordOf(open, 'opened'), { ...life, life: '127.0.0.1:4711' });
    expect(await collect(node.log.unfinished())).toEqual([{ tenant: acme, session: open, openedBy: { ...life, life: '127.0.0.1:4711' } }]);
    await server.kill();
    await server.start();
    const next = newSession();
    await until(() => node.log.append(0, recordOf(next, 'opened', rival), holder));
    await node.log.append(1, recordOf(open, 'closed'), holder);
    const both = await Promise.all([collect(node.log.unfinished()), collect(node.log.unfinished())]);
    for (const unfinished of both) expect(unfinished).toEqual([{ tenant: rival, session: next, openedBy: holder }]);
  });
});
