import type { SessionActor } from '../../actors/session-actor.ts';
import type { SessionFilter } from '../domain/gateway.ts';
import type { SessionId } from '../domain/ids.ts';
import type { LifecycleRecord } from '../domain/lifecycle-record.ts';
import type { Tenant } from '../domain/tenant.ts';

/** What is told of a session, be it living or ended. */
export type SessionAccount = Pick<SessionActor, 'times' | 'state' | 'holder' | 'expiresAtMs'>;

interface Session {
  readonly tenant: Tenant;
  readonly session: SessionId;
  readonly labels: Readonly<Record<string, string>>;
  readonly about: SessionAccount;
}

export interface LivingSession extends Session {
  readonly actor: SessionActor;
  readonly ended?: undefined;
}

/** The tombstone that answers late calls: of the actor, which weighs a hundred times as much, nothing is kept. */
interface EndedSession extends Session {
  readonly ended: LifecycleRecord;
}

/** One session this node knows: living, or ended a short while ago. */
export type KnownSession = LivingSession | EndedSession;

/** Ended sessions kept to answer late calls without asking the log. */
const TOMBSTONES_MAX = 10_000;

/** Which sessions this node serves, and the last that it served. No look-up tells one tenant of another's (I7). */
export class SessionDirectory {
  readonly #sessions = new Map<SessionId, KnownSession>();
  readonly #tombstones: SessionId[] = [];
  readonly #listeners: (() => void)[] = [];
  readonly #liveOf = new Map<Tenant, number>();
  #live = 0;

  /** Sessions open or about to be, those counted whose opening is under way. */
  get liveCount(): number {
    return this.#live;
  }

  liveCountOf(tenant: Tenant): number {
    return this.#liveOf.get(tenant) ?? 0;
  }

  live(): LivingSession[] {
    return [...this.#sessions.values()].filter(isLiving);
  }

  add(known: Omit<LivingSession, 'about'>): LivingSession {
    const living = { ...known, about: known.actor };
    this.#sessions.set(known.session, living);
    this.#count(known.tenant, 1);
    return living;
  }

  /** It was never opened, and nothing is owed. */
  forget(session: SessionId): void {
    const known = this.#sessions.get(session);
    if (known === undefined || known.ended !== undefined) return;
    this.#sessions.delete(session);
    this.#count(known.tenant, -1);
  }

  find(tenant: Tenant, session: SessionId): KnownSession | undefined {
    const known = this.#sessions.get(session);
    return known?.tenant === tenant ? known : undefined;
  }

  has(session: SessionId): boolean {
    return this.#sessions.has(session);
  }

  markEnded(session: SessionId, record: LifecycleRecord): void {
    const known = this.#sessions.get(session);
    if (known === undefined || known.ended !== undefined) return;
    const { tenant, labels, actor } = known;
    const about = { times: actor.times, state: actor.state, holder: actor.holder, expiresAtMs: actor.expiresAtMs };
    this.#sessions.set(session, { tenant, session, labels, about, ended: record });
    this.#count(known.tenant, -1);
    this.#tombstones.push(session);
    if (this.#tombstones.length > TOMBSTONES_MAX) this.#sessions.delete(this.#tombstones.shift() as SessionId);
  }

  /** Resolves once no session lives here. */
  empty(): Promise<void> {
    return this.#live === 0 ? Promise.resolve() : new Promise((resolve) => this.#listeners.push(resolve));
  }

  #count(tenant: Tenant, by: 1 | -1): void {
    this.#live += by;
    const left = this.liveCountOf(tenant) + by;
    if (left === 0) this.#liveOf.delete(tenant);
    else this.#liveOf.set(tenant, left);
    if (this.#live === 0) for (const listener of this.#listeners.splice(0)) listener();
  }

  /** Sessions of a tenant that match, oldest first. */
  matching(tenant: Tenant, filter: Pick<SessionFilter, 'state' | 'labels'>): KnownSession[] {
    const labels = Object.entries(filter.labels ?? {});
    return [...this.#sessions.values()].filter(
      (known) =>
        known.tenant === tenant &&
        (filter.state === undefined || known.about.state === filter.state) &&
        labels.every(([key, value]) => Object.hasOwn(known.labels, key) && known.labels[key] === value),
    );
  }
}

export function isLiving(known: KnownSession): known is LivingSession {
  return known.ended === undefined;
}
