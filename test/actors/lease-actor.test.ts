import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startLeaseActor } from '../../actors/lease-actor.ts';
import type { NodeNotice } from '../../src/domain/lease.ts';
import { EmbeddedLeaseStore } from '../../src/embedded/lease-store.ts';
import { scratchFolder, ShiftedClock } from '../embedded/scratch.ts';

const bounds = { heartbeatMs: 40, fenceMs: 60_000, claimMs: 150_000 };

describe('a node that begins to drain', () => {
  it('tells the others at once, not with its next heartbeat', async () => {
    const folder = join(scratchFolder(), 'notes');
    mkdirSync(folder);
    const leases = EmbeddedLeaseStore.open(folder, () => undefined);
    let state: NodeNotice['state'] = 'serving';
    const notice = (): NodeNotice => ({ url: 'http://here', state, sessions: 0, sessionsMax: 1, reachesLog: true, at: 0 });
    const silent = { onHeld: () => 0, onFenced: () => 0, onRestored: () => 0, onForgotten: () => 0, onRevoked: () => 0 };
    const slow = { heartbeatMs: 60_000, fenceMs: 150_000, claimMs: 300_000 };
    const lease = startLeaseActor({ leases, clock: new ShiftedClock(), holder: { node: 'n', incarnation: 'i' }, notice }, slow, silent);
    onTestFinished(() => lease.release());
    await lease.held;
    state = 'draining';
    lease.changed();
    await expect.poll(async () => (await leases.holders()).map((known) => known.notice?.state)).toEqual(['draining']);
  });
});

describe('a node that wakes after its window is over', () => {
  it.each([
    ['paused', (clock: ShiftedClock) => (clock.aheadMs += 61_000)],
    ['asleep with its monotonic clock', (clock: ShiftedClock) => (clock.wallAheadMs += 61_000)],
  ])('%s: is fenced and restored by its next beat, so that its sessions ask the log (I5)', async (_how, pass) => {
    const folder = join(scratchFolder(), 'notes');
    mkdirSync(folder);
    const leases = EmbeddedLeaseStore.open(folder, () => undefined);
    const clock = new ShiftedClock();
    const told: string[] = [];
    const lease = startLeaseActor({ leases, clock, holder: { node: 'n', incarnation: 'i' }, notice: () => undefined }, bounds, {
      onHeld: () => told.push('held'),
      onFenced: () => told.push('fenced'),
      onRestored: () => told.push('restored'),
      onForgotten: () => undefined,
      onRevoked: () => undefined,
    });
    onTestFinished(() => lease.release());
    await lease.held;
    await expect.poll(() => told.length).toBeGreaterThan(3);
    expect(told.filter((what) => what !== 'held')).toEqual(['restored']);
    told.length = 0;
    pass(clock);
    await expect.poll(() => told.filter((what) => what !== 'held')).toEqual(['fenced', 'restored']);
    told.length = 0;
    await expect.poll(() => told.length).toBeGreaterThan(3);
    expect(told.every((what) => what === 'held')).toBe(true);
  });
});
