import type { SessionId } from '../domain/ids.ts';
import type { LeaseContext } from '../ports/lease-store.ts';
import type { Master } from './master.ts';

/** Changes that one master has not taken; beyond that its whole hash is compared. */
const MISSED_MAX = 10_000;
/** Removed sessions that wait for a heartbeat to be dropped from the sets of removed ones; those above that stay there. */
const SETTLED_MAX = 5_000;

export interface Versioned {
  readonly version: number;
  /** Undefined when the session was removed. */
  readonly context: LeaseContext | undefined;
}

/** How one master stands to this holder. */
interface Standing {
  /** Session → version of the last change it is not known to have. */
  readonly missed: Map<SessionId, number>;
  /** More was missed than is remembered. */
  lostTrack: boolean;
  isBeingRepaired: boolean;
  /** The counter with which the holder's entry began there, and the last one it acknowledged. */
  began: number;
  counter: number;
}

/**
 * What this process holds itself, and which master has not heard of which change: enough to bring a master that was
 * stopped, slow or unreachable up to date when it answers again, and to know when a removal needs to be remembered no
 * more, because every master has it. Bounded by the node's sessions and the numbers above.
 */
export class OwnLeases {
  readonly #live = new Map<SessionId, { readonly version: number; readonly context: LeaseContext }>();
  readonly #standings: ReadonlyMap<Master, Standing>;
  #version = 0;
  /** Known to all masters since before the last heartbeat, and since then. */
  #settled: SessionId[] = [];
  #settling: SessionId[] = [];
  /** The last beat in which a master was found to have lost what it held; undefined when it was reported, or none was. */
  #lostAt: number | undefined;
  #reportedAt = 0;

  constructor(masters: readonly Master[]) {
    this.#standings = new Map(
      masters.map((master) => [master, { missed: new Map<SessionId, number>(), lostTrack: false, isBeingRepaired: false, began: 0, counter: 0 }]),
    );
  }

  isLive(session: SessionId): boolean {
    return this.#live.has(session);
  }

  put(session: SessionId, context: LeaseContext): void {
    this.#version += 1;
    this.#live.set(session, { version: this.#version, context });
  }

  remove(session: SessionId): void {
    this.#version += 1;
    this.#live.delete(session);
  }

  /** What a master should have of the session now. */
  wanted(session: SessionId): Versioned {
    return this.#live.get(session) ?? { version: this.#version, context: undefined };
  }

  took(master: Master, session: SessionId, version: number): void {
    const { missed } = this.#of(master);
    if ((missed.get(session) ?? Infinity) <= version) missed.delete(session);
  }

  missed(master: Master, session: SessionId, version: number): void {
    const standing = this.#of(master);
    if (standing.lostTrack) return;
    standing.missed.set(session, version);
    if (standing.missed.size <= MISSED_MAX) return;
    standing.missed.clear();
    standing.lostTrack = true;
  }

  /** A removal is settled when every master is known to have it. */
  settleIfTaken(session: SessionId): void {
    if (this.#isTaken(session) && this.#settling.length < SETTLED_MAX) this.#settling.push(session);
  }

  /**
   * Removals that can be dropped by the next heartbeat. They wait for a whole beat, so that a put from a connection that
   * was given up, read late by a server that had been stopped, still meets them.
   */
  nextSettled(): readonly SessionId[] {
    const due = this.#settled.filter((session) => this.#isTaken(session));
    this.#settled = this.#settling;
    this.#settling = [];
    return due;
  }

  /**
   * Notes a master's answer to a beat: the counter with which the entry began, and the one it had before. One that only
   * missed beats has lost nothing: what else it missed is remembered here.
   */
  beaten(master: Master, counter: number, began: number, previous: number): void {
    const standing = this.#of(master);
    const hasLost = began !== standing.began || previous < standing.counter || standing.lostTrack;
    standing.began = began;
    standing.counter = counter;
    if (hasLost && counter > this.#reportedAt) this.#lostAt = Math.max(counter, this.#lostAt ?? 0);
  }

  /** False once for each loss, late answers to earlier beats included. */
  reportSeen(counter: number): boolean {
    if (this.#lostAt === undefined) return true;
    this.#lostAt = undefined;
    this.#reportedAt = counter;
    return false;
  }

  /** At most `countMax` sessions to bring up to date there; undefined while that is being done. */
  beginRepair(master: Master, countMax: number): { readonly sessions: readonly SessionId[]; readonly lostTrack: boolean } | undefined {
    const standing = this.#of(master);
    if (standing.isBeingRepaired || (standing.missed.size === 0 && !standing.lostTrack)) return undefined;
    standing.isBeingRepaired = true;
    const { lostTrack } = standing;
    // What is missed from here on is noted again.
    standing.lostTrack = false;
    return { sessions: [...standing.missed.keys()].slice(0, countMax), lostTrack };
  }

  endRepair(master: Master, lostTrack: boolean): void {
    const standing = this.#of(master);
    standing.isBeingRepaired = false;
    standing.lostTrack ||= lostTrack;
  }

  /** The master's whole hash was read: what it should not hold is noted as missed. */
  compared(master: Master, held: readonly SessionId[]): void {
    for (const session of held) if (!this.#live.has(session)) this.missed(master, session, this.#version);
  }

  #isTaken(session: SessionId): boolean {
    return [...this.#standings.values()].every(({ missed, lostTrack }) => !lostTrack && !missed.has(session));
  }

  #of(master: Master): Standing {
    const standing = this.#standings.get(master);
    if (standing === undefined) throw new Error('a master of another store');
    return standing;
  }
}
