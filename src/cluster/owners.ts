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
/** A holder that a look did not show is not looked for again for so long. */
const ABSENT_MS = 1_000;
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
  readonly #remembered = new Map<SessionId, Holder>();
  readonly #absentUntilMs = new Map<string, number>();

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
    keepAtMost(this.#remembered, REMEMBERED_MAX);
    this.#remembered.set(session, holder);
    return holder;
  }

  /** A node that joined since the last look is looked for; one that was shown and fell silent is not. */
  async #memberOf(holder: Holder): Promise<Member | undefined> {
    const { membership, look, clock } = this.#options;
    const key = holderKey(holder);
    const nowMs = clock.monotonicMs();
    if (!membership.shows(holder) && (this.#absentUntilMs.get(key) ?? nowMs) <= nowMs) {
      await look().catch(() => undefined);
      keepAtMost(this.#absentUntilMs, ABSENT_MAX);
      if (!membership.shows(holder)) this.#absentUntilMs.set(key, nowMs + ABSENT_MS);
    }
    return membership.memberOf(holder);
  }
}

/** Makes room for one more: the oldest goes. */
function keepAtMost(kept: Map<string, unknown>, max: number): void {
  if (kept.size < max) return;
  for (const oldest of kept.keys()) if (kept.delete(oldest)) return;
}
