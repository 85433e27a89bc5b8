import type { SessionActor } from '../../actors/session-actor.ts';
import type { SessionFilter } from '../domain/gateway.ts';
import type { SessionId } from '../domain/ids.ts';
import type { LifecycleRecord } from '../domain/lifecycle-record.ts';
import type { Tenant } from '../domain/tenant.ts';

/** One session this node knows: living, or ended a short while ago. */
export interface KnownSession {
  readonly tenant: Tenant;
  readonly session: SessionId;
  readonly labels: Readonly<Record<string, string>>;
  readonly actor: SessionActor;
  /** Set once the session ended: the tombstone that answers late calls. */
  ended?: LifecycleRecord;
}

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

  live(): KnownSession[] {
    return [...this.#sessions.values()].filter((known) => known.ended === undefined);
  }

  add(known: KnownSession): void {
    this.#sessions.set(known.session, known);
    this.#count(known.tenant, 1);
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
    known.ended = record;
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
        (filter.state === undefined || known.actor.state === filter.state) &&
        labels.every(([key, value]) => Object.hasOwn(known.labels, key) && known.labels[key] === value),
    );
  }
}
