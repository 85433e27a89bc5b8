import { BoundedMap } from '../domain/bounded-map.ts';
import type { Clock } from '../ports/clock.ts';
import type { Holder, KnownHolder, NodeNotice } from '../ports/lease-store.ts';
import { rendezvous } from './rendezvous.ts';

/** A node that is in the cluster now, this one included. */
export interface Member {
  readonly holder: Holder;
  readonly notice: NodeNotice;
  readonly isSelf: boolean;
}

interface Seen {
  readonly known: KnownHolder;
  /** When its counter was last seen to move, on this node's monotonic clock. */
  readonly movedMs: number;
}

export interface MembershipOptions {
  readonly clock: Pick<Clock, 'monotonicMs' | 'wallMs'>;
  readonly self: Holder;
  /**
   * A node whose counter was not seen to move for longer is not counted on; it is not given up either: that is the
   * scanner's to say. Longer than the time between two looks, or every node would be lost from sight before the next.
   */
  readonly silenceMs: number;
}

/** Nodes under suspicion; a suspicion that is dropped costs a try. */
const SUSPECTS_MAX = 1_000;

export const holderKey = ({ node, incarnation }: Holder): string => `${node}/${incarnation}`;

/** Who is in the cluster, as of the last look. A view to route by: no safety rests on it. */
export class Membership {
  readonly #options: MembershipOptions;
  #seen = new Map<string, Seen>();
  /** When it was last looked, on the monotonic clock. */
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** Until when a holder that is not shown may be there all the same: the store was emptied. */
  #gapsUntilMs = Number.NEGATIVE_INFINITY;
  /** Nodes that could not be reached a moment ago, and until when they are not tried first. */
  readonly #suspects = new BoundedMap<string, number>(SUSPECTS_MAX);

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  note(known: readonly KnownHolder[]): void {
    const { clock, self, silenceMs } = this.#options;
    const nowMs = clock.monotonicMs();
    const wallMs = clock.wallMs();
    const selfKey = holderKey(self);
    if (this.#seen.has(selfKey) && !known.some(({ holder }) => holderKey(holder) === selfKey)) this.expectGaps();
    const seen = new Map<string, Seen>(nowMs < this.#gapsUntilMs ? this.#seen : []);
    for (const one of known) {
      const key = holderKey(one.holder);
      const before = this.#seen.get(key);
      const isOld = one.notice === undefined || Math.abs(wallMs - one.notice.at) > silenceMs;
      const movedMs = before === undefined ? (isOld ? Number.NEGATIVE_INFINITY : nowMs) : before.known.counter === one.counter ? before.movedMs : nowMs;
      seen.set(key, { known: one, movedMs });
    }
    this.#seen = seen;
    this.#lookedMs = nowMs;
  }

  /** The store was emptied: who is not shown has had no time yet to show again. */
  expectGaps(): void {
    const { clock, silenceMs } = this.#options;
    this.#gapsUntilMs = clock.monotonicMs() + silenceMs;
  }

  /** Members heard of lately, in the order of their names. */
  live(): readonly Member[] {
    const members = [...this.#seen.values()].flatMap((seen) => this.#asMember(seen) ?? []);
    return members.toSorted((a, b) => (holderKey(a.holder) < holderKey(b.holder) ? -1 : 1));
  }

  /** Holders that cannot be counted on now, and moved within `ms` before the last look: what they hold may live on. */
  missing(ms: number): readonly Holder[] {
    const silent = [...this.#seen.values()].filter((seen) => seen.movedMs >= this.#lookedMs - ms && this.#asMember(seen) === undefined);
    return silent.map(({ known }) => known.holder);
  }

  memberOf(holder: Holder): Member | undefined {
    return this.#asMember(this.#seen.get(holderKey(holder)));
  }

  #asMember(seen: Seen | undefined): Member | undefined {
    const { clock, self, silenceMs } = this.#options;
    if (seen?.known.notice === undefined || seen.movedMs < clock.monotonicMs() - silenceMs) return undefined;
    const { holder, notice } = seen.known;
    return { holder, notice, isSelf: holderKey(holder) === holderKey(self) };
  }

  /** Whether this node is the one that looks after `key`: one of those that reach the log. */
  looksAfter(key: string): boolean {
    const eligible = this.live().filter(({ notice }) => notice.reachesLog);
    return rendezvous(key, eligible, ({ holder }) => holderKey(holder))?.isSelf ?? false;
  }

  suspect({ holder }: Pick<Member, 'holder'>, forMs: number): void {
    this.#suspects.set(holderKey(holder), this.#options.clock.monotonicMs() + forMs);
  }

  isSuspect({ holder }: Pick<Member, 'holder'>): boolean {
    const key = holderKey(holder);
    const untilMs = this.#suspects.get(key);
    if (untilMs === undefined) return false;
    if (untilMs > this.#options.clock.monotonicMs()) return true;
    this.#suspects.delete(key);
    return false;
  }
}
