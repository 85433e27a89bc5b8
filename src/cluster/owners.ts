import type { SessionId } from '../domain/ids.ts';
import { isTerminal } from '../domain/lifecycle-record.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Holder, LeaseStore } from '../ports/lease-store.ts';
import type { LifecycleLog } from '../ports/lifecycle-log.ts';
import type { Member, Membership } from './membership.ts';
import { holderKey } from './membership.ts';
import type { SessionDirectory } from './session-directory.ts';

/** Sessions whose holder is remembered: it never changes, so nothing but room bounds it. */
const REMEMBERED_MAX = 50_000;

export interface OwnersOptions {
  readonly self: Holder;
  readonly directory: Pick<SessionDirectory, 'has'>;
  readonly leases: Pick<LeaseStore, 'find'>;
  readonly log: Pick<LifecycleLog, 'chain'>;
  readonly membership: Membership;
}

/** Which node serves a session: the directory of the cluster, read from the leases, or from the log where these tell nothing. */
export class Owners {
  readonly #options: OwnersOptions;
  readonly #remembered = new Map<SessionId, Holder>();

  constructor(options: OwnersOptions) {
    this.#options = options;
  }

  /**
   * The other node that serves the session; undefined when it is this one, or when nobody serves it any more: then the
   * log tells, from here.
   * @throws Unavailable when neither leases nor log can be asked
   */
  async of(tenant: Tenant, session: SessionId): Promise<Member | undefined> {
    const { self, directory, membership } = this.#options;
    if (directory.has(session)) return undefined;
    const holder = this.#remembered.get(session) ?? (await this.#find(tenant, session));
    if (holder === undefined || holderKey(holder) === holderKey(self)) return undefined;
    return membership.memberOf(holder);
  }

  async #find(tenant: Tenant, session: SessionId): Promise<Holder | undefined> {
    // A store that is away or was emptied knows of no session that it holds no longer; the log does.
    const lease = await this.#options.leases.find(session).catch(() => undefined);
    const holder = lease?.holder ?? (await this.#inLog(tenant, session));
    if (holder === undefined) return undefined;
    if (this.#remembered.size >= REMEMBERED_MAX) for (const oldest of this.#remembered.keys()) if (this.#remembered.delete(oldest)) break;
    this.#remembered.set(session, holder);
    return holder;
  }

  /** Who opened it, as long as it is not over. */
  async #inLog(tenant: Tenant, session: SessionId): Promise<Holder | undefined> {
    const chain = await this.#options.log.chain(tenant, session);
    return chain.some(({ record }) => isTerminal(record)) ? undefined : chain[0]?.by;
  }
}
