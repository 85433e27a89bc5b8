import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SessionActor } from '../../actors/session-actor.ts';
import { SessionDirectory } from '../../src/cluster/session-directory.ts';
import { newIdentity, openPorts, type OpenedPorts } from './session-ports.ts';

const times = { createdAtMs: Date.now(), timeoutMs: 60_000, idleTimeoutMs: null };

let opened: OpenedPorts;
beforeAll(async () => {
  opened = await openPorts();
});
afterAll(async () => opened[Symbol.asyncDispose]());

describe('a session that ended', () => {
  it('is still told of, and its actor is let go of', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const directory = new SessionDirectory();
    const identity = newIdentity();
    const actor = await passingActor(directory, identity);
    expect(directory.find(identity.tenant, identity.session)).toMatchObject({
      about: { state: 'closed', times, holder: opened.ports.holder, expiresAtMs: times.createdAtMs + times.timeoutMs },
      ended: { event: 'closed' },
      labels: { user: '42' },
    });
    expect(directory.liveCount).toBe(0);
    await expect.poll(() => (collect(), actor.deref() === undefined)).toBe(true);
  });
});

/** Opens a session and ends it; nothing but the directory may keep it. */
async function passingActor(directory: SessionDirectory, identity: ReturnType<typeof newIdentity>): Promise<WeakRef<object>> {
  const actor = SessionActor.open(opened.ports, identity, times);
  directory.add({ ...identity, labels: { user: '42' }, actor });
  await actor.opened();
  directory.markEnded(identity.session, await actor.close('close'));
  return new WeakRef(actor);
}
