import { expect, it } from 'vitest';
import { Membership } from '../../src/cluster/membership.ts';
import type { KnownHolder } from '../../src/domain/lease.ts';

const SCAN_MS = 10_000;
const FENCE_MS = 6_000;
const self = { node: 'self', incarnation: 'a' };
const other = { node: 'other', incarnation: 'b' };

it('counts on a node whose counter moves from look to look, however far these are apart, and on no other', () => {
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs, wallMs: () => 1_700_000_000_000 + nowMs };
  const membership = new Membership({ clock, self, silenceMs: FENCE_MS + SCAN_MS });
  const look = (...counters: number[]): void => {
    const notice = { url: 'http://there', state: 'serving', sessions: 0, sessionsMax: 1, reachesLog: true, at: clock.wallMs() } as const;
    membership.note([self, other].map((holder, at): KnownHolder => ({ holder, counter: counters[at] ?? 0, notice })));
  };
  for (let scan = 1; scan <= 5; scan += 1) {
    look(scan, scan);
    nowMs += SCAN_MS - 1;
    expect(membership.live()).toHaveLength(2);
    nowMs += 1;
  }
  look(6, 5);
  nowMs += FENCE_MS + 1;
  expect(membership.live().map(({ holder }) => holder)).toEqual([self]);
  expect(membership.memberOf(other)).toBeUndefined();
  look(7, 6);
  expect(membership.memberOf(other)).toBeDefined();
});
