import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SessionActor } from '../../actors/session-actor.ts';
import type { SessionPorts } from '../../actors/session-ports.ts';
import { newIdentity, openPorts, type OpenedPorts } from './session-ports.ts';

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
