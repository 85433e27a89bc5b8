import { InvalidRequest, Unavailable, asMayflyError } from '../domain/errors.ts';
import type { ClosedSessions, SessionFilter, SessionPage, SessionView } from '../domain/gateway.ts';
import type { SessionId } from '../domain/ids.ts';
import type { LifecycleRecord } from '../domain/lifecycle-record.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Holder } from '../ports/lease-store.ts';
import type { PeerCalls } from './peer-calls.ts';
import { isLiving, type KnownSession, type SessionDirectory } from './session-directory.ts';

/** What `keyOf` makes. */
const CURSOR = /^\d{15}\.[0-9a-f-]{36}$/;
const PAGE_DEFAULT = 100;
const PAGE_MAX = 1_000;
/** Sessions closed at a time by one bulk close. */
const BULK_CLOSE_MAX = 16;

export interface ListingOptions {
  readonly directory: SessionDirectory;
  readonly view: (known: KnownSession) => SessionView;
  /** The other nodes, each for its own sessions. */
  readonly peers: () => Promise<readonly PeerCalls[]>;
  /** Nodes out of reach whose sessions nobody has begun to end. */
  readonly missing: () => readonly Holder[];
}

/**
 * Calls on many sessions at once, over every node unless a node asks. A node that cannot be asked fails the call: a
 * list without its sessions would look whole (I8).
 */
export class SessionListing {
  readonly #options: ListingOptions;

  constructor(options: ListingOptions) {
    this.#options = options;
  }

  async page(tenant: Tenant, filter: SessionFilter): Promise<SessionPage> {
    const limit = filter.limit ?? PAGE_DEFAULT;
    if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_MAX) {
      throw new InvalidRequest(`"limit" is a whole number from 1 to ${PAGE_MAX}`, { field: 'limit' });
    }
    if (filter.cursor !== undefined && !CURSOR.test(filter.cursor)) {
      throw new InvalidRequest('"cursor" is the "next_cursor" of the page before', { field: 'cursor' });
    }
    const own = this.#options.directory.matching(tenant, filter).map((known) => this.#options.view(known));
    const peers = filter.here === true ? [] : await this.#options.peers();
    const pages = await Promise.all(peers.map((peer) => peer.listSessions(tenant, { ...filter, limit, here: true })));
    const after = filter.cursor;
    const ordered = [...new Map([...own, ...pages.flatMap(({ sessions }) => sessions)].map((session) => [keyOf(session), session]))]
      .filter(([key]) => after === undefined || key > after)
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
    const rows = ordered.slice(0, limit);
    const isMore = ordered.length > limit || pages.some(({ next_cursor }) => next_cursor !== null);
    return { sessions: rows.map(([, session]) => session), next_cursor: isMore ? (rows.at(-1)?.[0] ?? null) : null };
  }

  async close(tenant: Tenant, filter: SessionFilter): Promise<ClosedSessions> {
    if (filter.state === undefined && Object.keys(filter.labels ?? {}).length === 0) {
      throw new InvalidRequest('Closing many sessions needs a filter, such as a label', { field: 'label' });
    }
    const peers = filter.here === true ? [] : await this.#options.peers();
    const answers = await Promise.all([this.#closeOwn(tenant, filter), ...peers.map((peer) => peer.closeSessions(tenant, { ...filter, here: true }))]);
    const [missing] = filter.here === true ? [] : this.#options.missing();
    // Its sessions may live on when it comes back soon: they must not pass for closed.
    if (missing !== undefined) {
      throw new Unavailable(`The node ${missing.node} is out of reach, and its sessions are not being ended yet; close again`, { node_id: missing.node });
    }
    return { closed: answers.flatMap(({ closed }) => closed), failed: answers.flatMap(({ failed }) => failed) };
  }

  async #closeOwn(tenant: Tenant, filter: SessionFilter): Promise<ClosedSessions> {
    const due = this.#options.directory.matching(tenant, filter).filter(isLiving);
    const closed: LifecycleRecord[] = [];
    const failed: { session_id: SessionId; code: string; detail: string }[] = [];
    const closeNext = async (): Promise<void> => {
      for (let known = due.shift(); known !== undefined; known = due.shift()) {
        try {
          closed.push(await known.actor.close('close'));
        } catch (thrown) {
          const error = asMayflyError(thrown);
          failed.push({ session_id: known.session, code: error.code, detail: error.message });
        }
      }
    };
    await Promise.all(Array.from({ length: BULK_CLOSE_MAX }, closeNext));
    return { closed, failed };
  }
}

/** Oldest first, and each at one place only. */
function keyOf({ created_at, session_id }: SessionView): string {
  return `${String(Date.parse(created_at)).padStart(15, '0')}.${session_id}`;
}
