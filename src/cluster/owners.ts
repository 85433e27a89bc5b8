import type { SessionId } from '../domain/ids.ts';
import type { Holder, LeaseStore } from '../ports/lease-store.ts';
import type { Member, Membership } from './membership.ts';
import { holderKey } from './membership.ts';
import type { SessionDirectory } from './session-directory.ts';

/** Sessions whose holder is remembered: it never changes, so nothing but room bounds it. */
const REMEMBERED_MAX = 50_000;

export interface OwnersOptions {
  readonly self: Holder;
  readonly directory: Pick<SessionDirectory, 'has'>;
  readonly leases: Pick<LeaseStore, 'find'>;
  readonly membership: Membership;
}

/** Which node serves a session: the directory of the cluster, read from the leases. */
export class Owners {
  readonly #options: OwnersOptions;
  readonly #remembered = new Map<SessionId, Holder>();

  constructor(options: OwnersOptions) {
    this.#options = options;
  }

  /**
   * The other node that serves the session; undefined when it is this one, or when nobody serves it any more: then the
   * log tells, from here.
   */
  async of(session: SessionId): Promise<Member | undefined> {
    const { self, directory, membership } = this.#options;
    if (directory.has(session)) return undefined;
    const holder = this.#remembered.get(session) ?? (await this.#find(session));
    if (holder === undefined || holderKey(holder) === holderKey(self)) return undefined;
    return membership.memberOf(holder);
  }

  /** The holder said that the session is not there any more, or is gone itself. */
  forget(session: SessionId): void {
    this.#remembered.delete(session);
  }

  async #find(session: SessionId): Promise<Holder | undefined> {
    const lease = await this.#options.leases.find(session);
    if (lease === undefined) return undefined;
    if (this.#remembered.size >= REMEMBERED_MAX) for (const oldest of this.#remembered.keys()) if (this.#remembered.delete(oldest)) break;
    this.#remembered.set(session, lease.holder);
    return lease.holder;
  }
}
