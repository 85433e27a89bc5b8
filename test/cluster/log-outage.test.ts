import { describe, expect, it } from 'vitest';
import type { NatsServer } from '../../src/cli/cluster/nats-server.ts';
import type { SessionHandle } from '../../src/index.ts';
import { expectAllAlive, expectClosedOnce, expectNoOpening, idsOf, untilOpening } from './live-sessions.ts';
import { chainsOf, endsOf, expectLawful, openFilled, startCluster } from './running-cluster.ts';

const OUTAGE_MS = 30_000;

describe('NATS in trouble', () => {
  it.each(['stopped', 'paused'])('%s: opening answers unavailable within a second, sessions go on', async (how) => {
    await using running = await startCluster();
    const acme = running.everywhere.tenant('acme');
    const all = await openFilled(acme, 6);
    const { nats, nodes } = running.cluster;
    if (how === 'stopped') await nats[0]?.kill();
    else nats[0]?.pause();
    await expectNoOpening(nodes);
    await expectAllAlive(all);
    if (how === 'stopped') await nats[0]?.start();
    else nats[0]?.resume();
    await untilOpening(nodes);
    expectLawful(await chainsOf(acme));
  });

  it.each(['stop', 'kill'] as const)('restarted by %s in the midst of work: nothing ends by mistake, nothing is lost or doubled', async (how) => {
    await using running = await startCluster();
    const acme = running.everywhere.tenant('acme');
    const all = await openFilled(acme, 18);
    const [nats] = running.cluster.nats as [NatsServer];
    const closing = all.slice(0, 6);
    const closes = Promise.allSettled(closing.map(({ session }) => session.close()));
    await nats[how]();
    await nats.start();
    await closes;
    await expectClosedOnce(acme, closing, 30_000);
    const staying = all.slice(6);
    await expectAllAlive(staying);
    await untilOpening(running.cluster.nodes);
    const chains = await chainsOf(acme);
    for (const id of idsOf(staying)) expect(chains.get(id)).toHaveLength(1);
    await Promise.all(staying.map(({ session }) => session.close()));
    await expectClosedOnce(acme, staying, 5_000);
  });

  it('stopped for 30 s while 50 sessions are closed and others fall due: all are sealed, and end once it is back, each once (I1, I3)', async () => {
    await using running = await startCluster();
    const acme = running.everywhere.tenant('acme');
    const all = await openFilled(acme, 60);
    const [closing, staying] = [all.slice(0, 50), all.slice(50)];
    const due = await Promise.all(Array.from({ length: 5 }, () => acme.openSession({ timeout: '20s' })));
    const [nats] = running.cluster.nats as [NatsServer];
    await nats.kill();
    const stoppedMs = performance.now();
    const closes = await Promise.allSettled(closing.map(({ session }) => session.close()));
    for (const close of closes) expect(close).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    const refused = async (session: SessionHandle): Promise<unknown> =>
      Promise.resolve(session.sql('SELECT 1')).then(
        () => 'served',
        ({ code }: { code: unknown }) => code,
      );
    const codes = async (sessions: readonly SessionHandle[]) => [...new Set(await Promise.all(sessions.map(refused)))];
    await expect.poll(() => codes(due), { timeout: OUTAGE_MS }).toEqual(['unavailable']);
    await expect.poll(() => performance.now() - stoppedMs, { timeout: OUTAGE_MS + 5_000, interval: 500 }).toBeGreaterThan(OUTAGE_MS);
    expect(await codes(closing.map(({ session }) => session))).toEqual(['unavailable']);
    await expectAllAlive(staying);
    await nats.start();
    await expectClosedOnce(acme, closing, 30_000);
    const ends = await endsOf(
      acme,
      due.map(({ id }) => id),
      10_000,
    );
    for (const end of ends) expect(end).toMatchObject({ event: 'timed_out', details: { reason: 'deadline', proof: 'dropped' } });
    for (const { event } of await Promise.all(closing.map(({ session }) => session.close()))) expect(event).toBe('closed');
    const chains = await chainsOf(acme);
    for (const id of idsOf(staying)) expect(chains.get(id)).toHaveLength(1);
    await expectAllAlive(staying);
  }, 120_000);
});
