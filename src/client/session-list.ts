import { InvalidRequest } from '../domain/errors.ts';
import type { SessionFilter, SessionState, SessionView } from '../domain/gateway.ts';
import { assertKnown } from './known-options.ts';
import type { TenantGateway } from './tenant-gateway.ts';

export interface SessionsOptions {
  readonly state?: SessionState;
  /** All of them must match. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Sessions in all; every one that matches when left out. */
  readonly limit?: number;
}

/** Sessions asked of the node at a time. */
const PAGE_MAX = 1_000;

/** Sessions that match a filter: `await` gives them as an array, `for await` reads page by page as far as wanted. */
export class SessionList implements AsyncIterable<SessionView>, PromiseLike<SessionView[]> {
  readonly #gateway: TenantGateway;
  readonly #options: SessionsOptions;

  constructor(gateway: TenantGateway, options: SessionsOptions) {
    this.#gateway = gateway;
    this.#options = options;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SessionView, void, undefined> {
    assertKnown(this.#options, ['state', 'labels', 'limit']);
    const { state, labels, limit = Number.POSITIVE_INFINITY } = this.#options;
    if (!(limit === Number.POSITIVE_INFINITY || (Number.isSafeInteger(limit) && limit > 0))) {
      throw new InvalidRequest('A limit is a whole number above 0', { field: 'limit' });
    }
    let left = limit;
    let cursor: string | null = null;
    do {
      const filter: SessionFilter = {
        ...(state === undefined ? {} : { state }),
        ...(labels === undefined ? {} : { labels }),
        ...(cursor === null ? {} : { cursor }),
        limit: Math.min(left, PAGE_MAX),
      };
      const page = await this.#gateway.listSessions(filter);
      for (const session of page.sessions.slice(0, left)) yield session;
      left -= page.sessions.length;
      cursor = page.next_cursor;
    } while (cursor !== null && left > 0);
  }

  // oxlint-disable-next-line unicorn/no-thenable -- both forms are wanted: a short list is awaited, a long one iterated
  then<Result = SessionView[], Failure = never>(
    resolved?: ((sessions: SessionView[]) => Result | PromiseLike<Result>) | null,
    rejected?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    return this.#gather().then(resolved, rejected);
  }

  async #gather(): Promise<SessionView[]> {
    const sessions: SessionView[] = [];
    for await (const session of this) sessions.push(session);
    return sessions;
  }
}
