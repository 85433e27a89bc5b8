import { BoundedMap } from '../domain/bounded-map.ts';
import type { SessionId } from '../domain/ids.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Clock } from '../ports/clock.ts';
import type { Holder, LeaseStore } from '../ports/lease-store.ts';
import type { LifecycleLog } from '../ports/lifecycle-log.ts';
import type { Member, Membership } from './membership.ts';
import { holderKey } from './membership.ts';
import type { SessionDirectory } from './session-directory.ts';

/** Sessions whose holder is remembered: it never changes, so nothing but room bounds it. */
const REMEMBERED_MAX = 50_000;
/** A holder that a look did not find in the cluster is not looked for again for so long. */
const ABSENT_MS = 1_000;
/** Such holders remembered. */
const ABSENT_MAX = 1_000;

export interface OwnersOptions {
  readonly self: Holder;
  readonly directory: Pick<SessionDirectory, 'has'>;
  readonly leases: Pick<LeaseStore, 'find'>;
  readonly log: Pick<LifecycleLog, 'chain'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly membership: Membership;
  /** Notes in `membership` who is in the cluster this moment. */
  readonly look: () => Promise<void>;
}

/** Which node serves a session: the directory of the cluster, read from the leases, or from the log where these tell nothing. */
export class Owners {
  readonly #options: OwnersOptions;
  readonly #remembered = new BoundedMap<SessionId, Holder>(REMEMBERED_MAX);
  readonly #absentUntilMs = new BoundedMap<string, number>(ABSENT_MAX);

  constructor(options: OwnersOptions) {
    this.#options = options;
  }

  /**
   * The other node that serves the session, or served it until it ended: it still knows what it answered. Undefined when it
   * is this one, or when nobody serves it any more: then the log tells, from here.
   * @throws Unavailable when neither leases nor log can be asked
   */
  async of(tenant: Tenant, session: SessionId): Promise<Member | undefined> {
    const { self, directory } = this.#options;
    if (directory.has(session)) return undefined;
    const holder = this.#remembered.get(session) ?? (await this.#find(tenant, session));
    if (holder === undefined || holderKey(holder) === holderKey(self)) return undefined;
    return this.#memberOf(holder);
  }

  async #find(tenant: Tenant, session: SessionId): Promise<Holder | undefined> {
    const { leases, log } = this.#options;
    // A store that is away or was emptied knows of no session that it holds no longer; the log does.
    const lease = await leases.find(session).catch(() => undefined);
    const holder = lease?.holder ?? (await log.chain(tenant, session))[0]?.by;
    if (holder === undefined) return undefined;
    this.#remembered.set(session, holder);
    return holder;
  }

  /** A node that joined, or was heard of again, since the last look is looked for before it is held for gone. */
  async #memberOf(holder: Holder): Promise<Member | undefined> {
    const { membership, look, clock } = this.#options;
    const key = holderKey(holder);
    const nowMs = clock.monotonicMs();
    if (membership.memberOf(holder) === undefined && (this.#absentUntilMs.get(key) ?? nowMs) <= nowMs) {
      await look().catch(() => undefined);
      if (membership.memberOf(holder) === undefined) this.#absentUntilMs.set(key, nowMs + ABSENT_MS);
    }
    return membership.memberOf(holder);
  }
}
