import { describe, expect, it } from 'vitest';
import { MessageSeal } from '../../src/nats/signed-message.ts';
import { newHolder, newSession } from '../conformance/samples.ts';
import { oneServer, openNode, plainClient, serversOfSuite, until } from './nats-node.ts';

describe('messages between nodes', () => {
  const servers = serversOfSuite(1);

  it('reach exactly the run of the node they are for', async () => {
    const [one, two] = [await openNode(servers), await openNode(servers)];
    const holder = newHolder('a node. with *all > in its name');
    const revoked: string[] = [];
    await one.bus.listen(holder, { onRevoked: (session) => revoked.push(session) });
    expect(await two.bus.ping(holder)).toBe(true);
    expect(await two.bus.ping({ ...holder, incarnation: 'another' })).toBe(false);
    const [session, other] = [newSession(), newSession()];
    two.bus.revoke({ ...holder, incarnation: 'another' }, other);
    two.bus.revoke(holder, session);
    await until(() => expect(revoked).toEqual([session]));
    await one.bus.close();
    expect(await two.bus.ping(holder)).toBe(false);
  });

  it('are heeded only with the secret of the cluster', async () => {
    const [one, stranger] = [await openNode(servers), await openNode(servers, { secret: 'the secret of another cluster' })];
    const holder = newHolder();
    const revoked: string[] = [];
    await one.bus.listen(holder, { onRevoked: (session) => revoked.push(session) });
    expect(await stranger.bus.ping(holder)).toBe(false);
    stranger.bus.revoke(holder, newSession());
    const client = await plainClient(servers);
    const heard: { readonly subject: string; readonly data: Uint8Array }[] = [];
    client.subscribe('mayfly.node.v1.>', { callback: (_error, message) => heard.push(message) });
    await client.flush();
    const session = newSession();
    one.bus.revoke(holder, session);
    await until(() => expect(revoked).toEqual([session]));
    // What was overheard does not open another door.
    const subject = heard[0]?.subject ?? '';
    client.publish(subject.replace('revoked', 'ping'), heard[0]?.data);
    for (const noise of ['', 'null', '{"at":1}', '[]', JSON.stringify({ at: Date.now(), body: newSession(), signature: 'AAAA' })])
      client.publish(subject, noise);
    await client.flush();
    expect(await one.bus.ping(holder)).toBe(true);
    expect(revoked).toEqual([session]);
  });

  it('are known gone when the server is', async () => {
    const server = await oneServer();
    const [one, two] = [await openNode([server]), await openNode([server])];
    const holder = newHolder();
    await one.bus.listen(holder, { onRevoked: () => {} });
    expect(two.bus.isConnected).toBe(true);
    server.pause();
    const sinceMs = performance.now();
    expect(await two.bus.ping(holder)).toBe(false);
    expect(performance.now() - sinceMs).toBeLessThan(900);
    await server.kill();
    await until(() => expect(two.bus.isConnected).toBe(false));
    two.bus.revoke(holder, newSession());
    await expect(two.bus.listen(holder, { onRevoked: () => {} })).rejects.toMatchObject({ code: 'unavailable' });
    await server.start();
    await until(async () => expect(await two.bus.ping(holder)).toBe(true));
  });
});

describe('a sealed message', () => {
  it('opens under its subject, within a minute either way, unchanged', () => {
    let nowMs = 1_000_000;
    const [mine, theirs] = [new MessageSeal('one secret', () => nowMs), new MessageSeal('another', () => nowMs)];
    const sealed = mine.seal('a.b', 'words');
    expect(mine.open('a.b', sealed)).toBe('words');
    expect(mine.open('a.c', sealed)).toBeUndefined();
    expect(theirs.open('a.b', sealed)).toBeUndefined();
    expect(mine.open('a.b', sealed.replace('words', 'swords'))).toBeUndefined();
    for (const [atMs, heeded] of [
      [1_060_000, true],
      [1_060_001, false],
      [940_000, true],
      [939_999, false],
    ] as const) {
      nowMs = atMs;
      expect(mine.open('a.b', sealed)).toBe(heeded ? 'words' : undefined);
    }
  });
});
