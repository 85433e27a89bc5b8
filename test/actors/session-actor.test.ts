import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SessionActor } from '../../actors/session-actor.ts';
import type { SessionPorts } from '../../actors/session-ports.ts';
import { Unavailable } from '../../src/domain/errors.ts';
import type { LifecycleLog } from '../../src/ports/lifecycle-log.ts';
import { newSession, recordOf } from '../conformance/samples.ts';
import { WatchedFiles } from '../embedded/journal-files.ts';
import { openJournal, scratchFolder } from '../embedded/scratch.ts';
import { newIdentity, openPorts, withMethods, type OpenedPorts } from './session-ports.ts';

const times = { createdAtMs: Date.now(), timeoutMs: 60_000, idleTimeoutMs: null };

let opened: OpenedPorts;
let ports: SessionPorts;
beforeAll(async () => {
  opened = await openPorts();
  ports = opened.ports;
});
afterAll(async () => opened[Symbol.asyncDispose]());

describe('the end of a session', () => {
  it('is not held up by a reader that stopped reading (I3)', async () => {
    const session = SessionActor.open(ports, newIdentity(), times);
    await session.opened();
    const work = await session.begin({});
    const query = "SELECT i, repeat('x', 1000) FROM range(1000000) t(i)";
    const answer = await work.slot.query({ query, format: 'arrow' }, work.options);
    await answer.body[Symbol.asyncIterator]().next();
    expect(await session.close('close')).toMatchObject({ event: 'closed', details: { counted: 'exact', proof: 'dropped' } });
  });
});

describe('a decision that was lost with a failed write of the journal', () => {
  it('is made again before the record that follows from it is written (I2)', async () => {
    const files = new WatchedFiles();
    const { log } = await openJournal(scratchFolder(), { files });
    let decisions = 0;
    const decide: LifecycleLog['decide'] = async (decision) => {
      const standing = await log.decide(decision);
      decisions += 1;
      if (decisions > 1) return standing;
      files.failing = 'datasync';
      await expect(log.append(0, recordOf(newSession(), 'opened'), ports.holder)).rejects.toMatchObject({ code: 'unavailable' });
      files.failing = undefined;
      return standing;
    };
    const identity = newIdentity();
    const session = SessionActor.open({ ...ports, log: withMethods<LifecycleLog>(log, { decide }) }, identity, times);
    await session.opened();
    expect(await session.close('close')).toMatchObject({ event: 'closed', details: { reason: 'close', proof: 'dropped' } });
    expect(decisions).toBe(2);
    expect(await log.decision(identity.tenant, identity.session)).toMatchObject({ decision: { reason: 'close' } });
    await log.close();
  });
});

describe('an idle timeout', () => {
  it('that is set during work begins when the work is over', async () => {
    const session = SessionActor.open(ports, newIdentity(), times);
    await session.opened();
    const work = await session.begin({});
    session.extend({ timeoutMs: 60_000, idleTimeoutMs: 100 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(session.state).toBe('active');
    work.end();
    expect(await session.ended).toMatchObject({ event: 'timed_out', details: { reason: 'idle' } });
  });

  it('that is lifted during work holds again once it is set anew', async () => {
    const session = SessionActor.open(ports, newIdentity(), { ...times, idleTimeoutMs: 60_000 });
    await session.opened();
    const work = await session.begin({});
    session.extend({ timeoutMs: 60_000, idleTimeoutMs: null });
    work.end();
    session.extend({ timeoutMs: 60_000, idleTimeoutMs: 100 });
    expect(await session.ended).toMatchObject({ event: 'timed_out', details: { reason: 'idle' } });
  });
});

/** Holds `opened` back until it is let go; `asked` resolves once it was to be written. */
function slowOpening(log: LifecycleLog): { log: LifecycleLog; asked: Promise<void>; letGo: () => void } {
  let letGo = (): void => undefined;
  const gone = new Promise<void>((resolve) => (letGo = resolve));
  let ask = (): void => undefined;
  const asked = new Promise<void>((resolve) => (ask = resolve));
  const append: LifecycleLog['append'] = async (n, record, holder) => {
    ask();
    if (n === 0) await gone;
    return log.append(n, record, holder);
  };
  return { log: withMethods(log, { append }), asked, letGo: () => letGo() };
}

const noAnswer = (): Promise<never> => Promise.reject(new Unavailable('The log did not answer'));

describe('a session that is opening', () => {
  it('whose `opened` lands after it was given up: has its end all the same (I3)', async () => {
    const identity = newIdentity();
    const sent: Parameters<LifecycleLog['append']>[] = [];
    const append: LifecycleLog['append'] = (...args) => {
      if (args[0] > 0) return ports.log.append(...args);
      sent.push(args);
      return noAnswer();
    };
    const left: unknown[] = [];
    const log = withMethods(ports.log, { append });
    const session = SessionActor.open({ ...ports, log, onAbandoned: (one) => void left.push(one) }, identity, times);
    await expect(session.opened()).rejects.toMatchObject({ code: 'unavailable' });
    await expect.poll(() => left).toEqual([identity]);
    await expect(session.close('close')).rejects.toMatchObject({ code: 'unavailable' });
    for (const args of sent) await ports.log.append(...args);
    const end = { event: 'timed_out', deleted_row_count: 0, details: { reason: 'lease_expired', counted: 'exact', proof: 'dropped' } };
    expect(await session.ended).toMatchObject(end);
  });

  it('with the log out of reach: its close says so, it does not wait', async () => {
    const session = SessionActor.open({ ...ports, log: withMethods(ports.log, { append: noAnswer, chain: noAnswer }) }, newIdentity(), times);
    await expect(session.opened()).rejects.toMatchObject({ code: 'unavailable' });
    for (const reason of ['close', 'drain'] as const) await expect(session.close(reason)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('and never was: its close says why', async () => {
    const refused = SessionActor.open({ ...ports, leases: withMethods(ports.leases, { put: noAnswer }) }, newIdentity(), times);
    await expect(refused.opened()).rejects.toMatchObject({ code: 'unavailable' });
    await expect.poll(() => refused.state).toBe('timed_out');
    await expect(refused.close('close')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('as the node drains: is closed with that reason, and its caller told to ask another node', async () => {
    const { log, asked, letGo } = slowOpening(ports.log);
    const session = SessionActor.open({ ...ports, log }, newIdentity(), times);
    await asked;
    const closed = session.close('drain');
    const opening = expect(session.opened()).rejects.toMatchObject({ code: 'node_draining' });
    letGo();
    await opening;
    expect(await closed).toMatchObject({ event: 'closed', details: { reason: 'drain', proof: 'dropped' } });
  });

  it('whose worker dies meanwhile: ends at once', async () => {
    const { log, asked, letGo } = slowOpening(ports.log);
    const session = SessionActor.open({ ...ports, log }, newIdentity(), times);
    await asked;
    const before = [...opened.workers];
    for (const pid of before) process.kill(pid, 'SIGKILL');
    await expect.poll(() => before.filter((pid) => opened.workers.has(pid))).toEqual([]);
    letGo();
    expect(await session.ended).toMatchObject({ event: 'timed_out', details: { reason: 'worker_lost', proof: 'process_exit' } });
  });

  it('on a node that was fenced and restored meanwhile: asks the log before it serves (I5)', async () => {
    const identity = newIdentity();
    const { log, asked, letGo } = slowOpening(ports.log);
    // What others did while this node was away: they saw the record, whose acknowledgement was late here.
    const decision: LifecycleLog['decision'] = async () => {
      await ports.log.decide({ ...identity, event: 'timed_out', reason: 'lease_expired', by: 'another' });
      return ports.log.decision(identity.tenant, identity.session);
    };
    const session = SessionActor.open({ ...ports, log: withMethods(log, { decision }) }, identity, times);
    await asked;
    session.fence();
    session.restore();
    letGo();
    await session.opened().catch(() => undefined);
    await expect(session.begin({})).rejects.toMatchObject({ code: expect.stringMatching(/^(lease_lost|session_ended)$/) });
    expect(await session.ended).toMatchObject({ event: 'timed_out', details: { reason: 'lease_expired', proof: 'dropped' } });
  });
});

describe('work that was done as its node was fenced (I5)', () => {
  const begun = async (log: LifecycleLog): Promise<{ session: SessionActor; working: Promise<string>; restore: () => void }> => {
    let isFenced = false;
    const session = SessionActor.open({ ...ports, log, isFenced: () => isFenced }, newIdentity(), times);
    await session.opened();
    const working = session.work({}, () => {
      isFenced = true;
      session.fence();
      return Promise.resolve('done');
    });
    await expect.poll(() => isFenced).toBe(true);
    const restore = (): void => {
      isFenced = false;
      session.restore();
    };
    return { session, working, restore };
  };

  it('is acknowledged once the log was asked, and not done twice for having been told to try again', async () => {
    const { session, working, restore } = await begun(ports.log);
    const outcomes: string[] = [];
    void working.then((outcome) => outcomes.push(outcome));
    await expect(session.begin({})).rejects.toMatchObject({ code: 'lease_lost' });
    expect(outcomes).toEqual([]);
    restore();
    expect(await working).toBe('done');
    await session.close('close');
  });

  it('is not acknowledged when others decided: it went with the session', async () => {
    const decided: LifecycleLog['decision'] = async (tenant, session) => {
      await ports.log.decide({ tenant, session, event: 'timed_out', reason: 'lease_expired', by: 'another' });
      return ports.log.decision(tenant, session);
    };
    const { session, working, restore } = await begun(withMethods(ports.log, { decision: decided }));
    const refused = expect(working).rejects.toMatchObject({ code: 'session_ended' });
    restore();
    await refused;
    expect(await session.ended).toMatchObject({ event: 'timed_out', details: { reason: 'lease_expired' } });
  });
});
