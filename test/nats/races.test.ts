import { describe, expect, it } from 'vitest';
import type { Appended, StandingDecision } from '../../src/ports/lifecycle-log.ts';
import { acme, decisionOf, entryOf, newHolder, newSession, recordOf } from '../conformance/samples.ts';
import { openNode, serversOfSuite, until } from './nats-node.ts';

const WRITERS = 16;
const ROUNDS = 25;

describe.each([1, 3] as const)('sixteen writers over four connections, on %i servers', (count) => {
  const servers = serversOfSuite(count);

  it('create one record, and all see the same (I1)', async () => {
    const nodes = await Promise.all(Array.from({ length: 4 }, async () => openNode(servers)));
    const logs = Array.from({ length: WRITERS }, (_, i) => nodes[i % nodes.length]!.log);
    for (let round = 0; round < ROUNDS; round += 1) {
      const session = newSession();
      await logs[0]!.append(0, recordOf(session, 'opened'), newHolder());
      const racing = logs.map(async (log, i): Promise<Appended> => {
        const record = { ...recordOf(session, i % 2 === 0 ? 'closed' : 'timed_out'), deleted_row_count: i };
        return until(() => log.append(1, record, newHolder(`node-${i}`)));
      });
      const appended = await Promise.all(racing);
      expect(appended.filter(({ outcome }) => outcome === 'created')).toHaveLength(1);
      const [first, ...others] = appended.map(entryOf);
      for (const entry of others) expect(entry).toEqual(first);
      for (const { log } of nodes) expect(await log.chain(acme, session)).toHaveLength(2);
    }
    for (const { folder, close } of nodes) {
      await close();
      const again = await openNode(servers, { folder });
      expect(again.outbox.owed()).toEqual([]);
      await again.close();
    }
  });

  it('make one decision, and all see the same (I2)', async () => {
    const nodes = await Promise.all(Array.from({ length: 4 }, async () => openNode(servers)));
    for (let round = 0; round < ROUNDS; round += 1) {
      const session = newSession();
      await nodes[0]!.log.append(0, recordOf(session, 'opened'), newHolder());
      const racing = Array.from({ length: WRITERS }, async (_, i): Promise<StandingDecision> => {
        const decision = decisionOf(session, i % 2 === 0 ? 'close' : 'deadline', `node-${i}`);
        return until(() => nodes[i % nodes.length]!.log.decide(decision));
      });
      const standing = await Promise.all(racing);
      expect(standing.filter(({ won }) => won)).toHaveLength(1);
      for (const one of standing) expect({ ...one, won: true }).toEqual(standing.find(({ won }) => won));
    }
  });

  it('decide nothing for a session that was never opened (I2)', async () => {
    const { log } = await openNode(servers);
    const session = newSession();
    await expect(log.decide(decisionOf(session, 'close'))).rejects.toMatchObject({ code: 'internal' });
    expect(await log.decision(acme, session)).toBeUndefined();
  });
});

describe('three servers of which one is killed', () => {
  const servers = serversOfSuite(3);

  it('go on with one record a place, whoever was leader', async () => {
    const nodes = await Promise.all(servers.map(async (server) => openNode([server])));
    for (const server of servers) {
      const sessions = Array.from({ length: 15 }, newSession);
      for (const session of sessions) await until(() => nodes[0]!.log.append(0, recordOf(session, 'opened'), newHolder()));
      const appending = sessions.map(async (session) =>
        Promise.all(nodes.map(async ({ log }) => until(() => log.append(1, recordOf(session, 'closed'), newHolder())))),
      );
      await server.kill();
      await server.start();
      for (const appended of await Promise.all(appending)) {
        expect(appended.filter(({ outcome }) => outcome === 'created')).toHaveLength(1);
        const [first, ...others] = appended.map(entryOf);
        for (const entry of others) expect(entry).toEqual(first);
      }
      for (const session of sessions) expect(await until(() => nodes[0]!.log.chain(acme, session))).toHaveLength(2);
    }
  }, 120_000);
});
