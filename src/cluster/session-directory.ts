import type { SessionActor } from '../../actors/session-actor.ts';
import type { SessionFilter, SessionPage, SessionView } from '../domain/gateway.ts';
import { InvalidRequest } from '../domain/errors.ts';
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
const PAGE_DEFAULT = 100;
const PAGE_MAX = 1_000;

/** Which sessions this node serves, and the last that it served. No look-up tells one tenant of another's (I7). */
export class SessionDirectory {
  readonly #sessions = new Map<SessionId, KnownSession>();
  readonly #tombstones: SessionId[] = [];
  readonly #listeners: (() => void)[] = [];
  #live = 0;

  get liveCount(): number {
    return this.#live;
  }

  liveCountOf(tenant: Tenant): number {
    return this.live().filter((known) => known.tenant === tenant).length;
  }

  live(): KnownSession[] {
    return [...this.#sessions.values()].filter((known) => known.ended === undefined);
  }

  add(known: KnownSession): void {
    this.#sessions.set(known.session, known);
    this.#live += 1;
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
    this.#live -= 1;
    this.#tombstones.push(session);
    if (this.#tombstones.length > TOMBSTONES_MAX) this.#sessions.delete(this.#tombstones.shift() as SessionId);
    if (this.#live === 0) for (const listener of this.#listeners.splice(0)) listener();
  }

  /** Resolves once no session lives here. */
  empty(): Promise<void> {
    return this.#live === 0 ? Promise.resolve() : new Promise((resolve) => this.#listeners.push(resolve));
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

  page(tenant: Tenant, filter: SessionFilter, view: (known: KnownSession) => SessionView): SessionPage {
    const limit = filter.limit ?? PAGE_DEFAULT;
    if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_MAX) {
      throw new InvalidRequest(`"limit" is a whole number from 1 to ${PAGE_MAX}`, { field: 'limit' });
    }
    const after = filter.cursor;
    const ordered = this.matching(tenant, filter)
      .map((known) => ({ known, key: `${String(known.actor.times.createdAtMs).padStart(15, '0')}.${known.session}` }))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1))
      .filter(({ key }) => after === undefined || key > after);
    const rows = ordered.slice(0, limit);
    return {
      sessions: rows.map(({ known }) => view(known)),
      next_cursor: ordered.length > limit ? (rows.at(-1)?.key ?? null) : null,
    };
  }
}
