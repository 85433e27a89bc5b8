import { describe, expect, it } from 'vitest';
import type { LifecycleRecord } from '../../src/domain/lifecycle-record.ts';
import type { Appended, LifecycleLog } from '../../src/ports/lifecycle-log.ts';
import { acme, decisionOf, newHolder, newSession, recordOf } from '../conformance/samples.ts';
import { countMessages, oneServer, openNode, until } from './nats-node.ts';

const holder = newHolder();

/** As callers do: again until the log says what stands, with the time of each try. */
async function appendUntilKnown(log: LifecycleLog, n: number, record: LifecycleRecord): Promise<Appended> {
  return until(() => log.append(n, { ...record, occurred_at: new Date().toISOString() }, holder));
}

describe('a record whose answer was lost', () => {
  it('lands once and is known as the own one, when the server stood still meanwhile', async () => {
    const server = await oneServer();
    const { log } = await openNode([server]);
    const session = newSession();
    await log.append(0, recordOf(session, 'opened'), holder);
    server.pause();
    await expect(log.append(1, recordOf(session, 'closed'), holder)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    server.resume();
    const appended = await appendUntilKnown(log, 1, recordOf(session, 'closed'));
    expect(appended).toMatchObject({ outcome: 'created', entry: { n: 1, record: recordOf(session, 'closed') } });
    expect(await log.chain(acme, session)).toHaveLength(2);
    expect(await countMessages([server])).toBe(2);
  });

  it('stands exactly once in each chain, when the server is killed among many and brought back', async () => {
    const server = await oneServer();
    const { log } = await openNode([server]);
    const sessions = Array.from({ length: 60 }, newSession);
    for (const session of sessions) await log.append(0, recordOf(session, 'opened'), holder);
    const appending = Promise.all(sessions.map(async (session) => appendUntilKnown(log, 1, recordOf(session, 'closed'))));
    // Killed once the first of them stands, with the others on their way.
    await until(async () => expect(await log.chain(acme, sessions[0] ?? newSession())).toHaveLength(2));
    await server.kill();
    await server.start();
    for (const { outcome } of await appending) expect(outcome).toBe('created');
    for (const session of sessions) {
      const chain = await until(() => log.chain(acme, session));
      expect(chain.map(({ record }) => record.event)).toEqual(['opened', 'closed']);
    }
  });
});

describe('while the log is out of reach', () => {
  it('refuses at once, keeps what was done, and does not send it later', async () => {
    const server = await oneServer();
    const node = await openNode([server]);
    const { log } = node;
    const [session, other] = [newSession(), newSession()];
    await log.append(0, recordOf(session, 'opened'), holder);
    await server.kill();
    await until(() => expect(node.isConnected).toBe(false));
    const sinceMs = performance.now();
    const tries = [
      log.append(0, recordOf(other, 'opened'), holder),
      log.append(1, recordOf(session, 'closed'), holder),
      log.append(1, recordOf(session, 'closed'), holder),
      log.decide(decisionOf(session, 'close')),
      log.decision(acme, session),
      log.chain(acme, session),
    ];
    for (const outcome of await Promise.allSettled(tries)) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    expect(performance.now() - sinceMs).toBeLessThan(700);
    await server.start();
    await until(() => expect(node.isConnected).toBe(true));
    expect(await log.chain(acme, other)).toEqual([]);
    expect(await log.chain(acme, session)).toHaveLength(1);
    const appended = await appendUntilKnown(log, 1, recordOf(session, 'closed'));
    expect(appended).toMatchObject({ outcome: 'created', entry: { record: recordOf(session, 'closed') } });
    // Nothing is left to do for a later run.
    await node.close();
    const again = await openNode([server], { folder: node.folder });
    expect(again.outbox.owed()).toEqual([]);
  });

  it('gives an opening 700 ms in all when the server stands still', async () => {
    const server = await oneServer();
    const { log } = await openNode([server]);
    server.pause();
    const sinceMs = performance.now();
    await expect(log.append(0, recordOf(newSession(), 'opened'), holder)).rejects.toMatchObject({ code: 'unavailable' });
    expect(performance.now() - sinceMs).toBeLessThan(1_000);
    server.resume();
  });
});
