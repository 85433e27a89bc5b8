import { describe, expect, it } from 'vitest';
import { Membership } from '../../src/cluster/membership.ts';
import { placeOf } from '../../src/cluster/placement.ts';
import type { KnownHolder, NodeNotice } from '../../src/domain/lease.ts';
import { SystemClock } from '../../src/embedded/system-clock.ts';

const clock = new SystemClock();
const SELF = 2;

/** Nodes `n0`, `n1` … as the one in the middle sees them. */
function membershipOf(notices: readonly Partial<NodeNotice>[], self = SELF): Membership {
  const known = notices.map((notice, at): KnownHolder => ({
    holder: { node: `n${at}`, incarnation: 'first' },
    counter: 1,
    notice: { url: `http://n${at}`, state: 'serving', sessions: 0, sessionsMax: 10, reachesLog: true, at: clock.wallMs(), ...notice },
  }));
  const membership = new Membership({ clock, self: { node: `n${self}`, incarnation: 'first' }, silenceMs: 60_000 });
  membership.note(known);
  return membership;
}

/** Draws these, one after the other, of what is left to draw from. */
const drawing = (...draws: readonly (readonly [at: number, of: number])[]): (() => number) => {
  const values = draws.map(([at, of]) => (at + 0.5) / of);
  return () => values.shift() ?? 0;
};

/** Every way in which two of `count` nodes are drawn. */
const pairs = (count: number) =>
  Array.from({ length: count * (count - 1) }, (_, n) => {
    const [first, second] = [Math.floor(n / (count - 1)), n % (count - 1)];
    return { draw: drawing([first, count], [second, count - 1]), drawn: [first, second < first ? second : second + 1] as const };
  });

describe('where a session opens', () => {
  const loads = [4, 0, 3, 1, 2];

  it('on the less loaded of the two nodes that were drawn, for each pair of them', () => {
    const membership = membershipOf(loads.map((sessions) => ({ sessions })));
    for (const { draw, drawn } of pairs(loads.length)) {
      const [best] = drawn.toSorted((a, b) => loads[a]! - loads[b]!);
      expect(placeOf(membership, draw)?.holder.node).toBe(`n${best}`);
    }
  });

  it('here, when this node is drawn and the other is no better', () => {
    const membership = membershipOf(loads.map(() => ({ sessions: 7 })));
    for (const { draw, drawn } of pairs(loads.length)) {
      expect(placeOf(membership, draw)?.holder.node).toBe(`n${drawn.includes(SELF) ? SELF : drawn[0]}`);
    }
  });

  it('on no node that is full, does not serve, or could not be reached; nowhere without one', () => {
    const membership = membershipOf([{ sessions: 10 }, { state: 'draining' }, {}, { state: 'starting' }, { sessions: 9 }]);
    for (const { draw } of pairs(2)) expect(placeOf(membership, draw)?.holder.node).toBe('n2');
    membership.suspect({ holder: { node: 'n2', incarnation: 'first' } }, 60_000);
    expect(placeOf(membership, drawing([0, 1]))?.holder.node).toBe('n4');
    membership.suspect({ holder: { node: 'n4', incarnation: 'first' } }, 60_000);
    expect(placeOf(membership, drawing())).toBeUndefined();
  });

  it('where its key says, whichever node is asked, full or not', () => {
    for (let key = 0; key < 100; key += 1) {
      const places = loads.map((_, self) =>
        placeOf(
          membershipOf(
            loads.map(() => ({ sessions: 10 })),
            self,
          ),
          drawing(),
          `key ${key}`,
        ),
      );
      expect(new Set(places.map((place) => place?.holder.node)).size).toBe(1);
    }
  });
});
