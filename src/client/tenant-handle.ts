import type { DurationInput } from '../domain/duration.ts';
import { InvalidRequest } from '../domain/errors.ts';
import type { ClosedSessions, LifecycleEntry, SessionState } from '../domain/gateway.ts';
import { parseSessionId } from '../domain/ids.ts';
import type { CollectionGuard } from './collection-guard.ts';
import { assertKnown } from './known-options.ts';
import { openRequest } from './session-requests.ts';
import { SessionHandle } from './session-handle.ts';
import { SessionList, type SessionsOptions } from './session-list.ts';
import { SessionMemory } from './session-memory.ts';
import type { TenantGateway } from './tenant-gateway.ts';

export interface OpenSessionOptions {
  /** Hard lifetime from creation, at most the node's maximum; the node's default when left out. */
  readonly timeout?: DurationInput;
  /** Ends the session after this long without use. */
  readonly idleTimeout?: DurationInput;
  readonly labels?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Same key and same options: the same session. For a remote node, whose answer can be lost on the way. */
  readonly idempotencyKey?: string;
}

export interface LifecycleOptions {
  /** First offset, inclusive; 0 by default. */
  readonly from?: number;
  /** Go on with what comes, until the loop is left or `signal` aborts. */
  readonly follow?: boolean;
  readonly sessionId?: string;
  readonly signal?: AbortSignal;
}

/** One tenant's view: open, attach, list and close sessions, read their records. */
export class TenantHandle {
  /** The tenant's name; undefined when the token alone names it. */
  readonly name: string | undefined;
  readonly #gateway: TenantGateway;
  readonly #guard: CollectionGuard | undefined;

  constructor(gateway: TenantGateway, name: string | undefined, guard?: CollectionGuard) {
    this.#gateway = gateway;
    this.name = name;
    this.#guard = guard;
  }

  async openSession(options: OpenSessionOptions = {}): Promise<SessionHandle> {
    assertKnown(options, ['timeout', 'idleTimeout', 'labels', 'signal', 'idempotencyKey']);
    const { signal, idempotencyKey } = options;
    const view = await this.#gateway.openSession(openRequest(options), {
      ...(signal === undefined ? {} : { signal }),
      ...(idempotencyKey === undefined ? {} : { idempotency_key: idempotencyKey }),
    });
    return new SessionHandle(this.#gateway, SessionMemory.opened(view), this.#guard);
  }

  /**
   * Attaches to a session by its id, without asking the node: an unknown one rejects at the first call. What the handle
   * tells without waiting (`state`, `expiresAt`, `tableRef`, ...) is known after `refresh()` or `tables()`.
   * @throws InvalidRequest when `id` is not a session id
   */
  session(id: string): SessionHandle {
    return new SessionHandle(this.#gateway, SessionMemory.attached(parseSessionId(id), this.name));
  }

  /** Live and recently ended sessions: await it for an array, or iterate it page by page. */
  sessions(options: SessionsOptions = {}): SessionList {
    return new SessionList(this.#gateway, options);
  }

  /**
   * Closes every session that matches; `failed` holds the ones that have no terminal record yet.
   * @throws InvalidRequest without a filter: nothing closes everything by mistake
   */
  async closeSessions(options: { readonly labels?: Readonly<Record<string, string>>; readonly state?: SessionState }): Promise<ClosedSessions> {
    assertKnown(options, ['labels', 'state']);
    const { labels, state } = options;
    if (state === undefined && Object.keys(labels ?? {}).length === 0) {
      throw new InvalidRequest('Name at least one label or a state: without a filter nothing is closed', { field: 'labels' });
    }
    return this.#gateway.closeSessions({ ...(labels === undefined ? {} : { labels }), ...(state === undefined ? {} : { state }) });
  }

  /** This tenant's lifecycle records from an offset on, oldest first; offsets increase, with gaps. */
  async *lifecycle(options: LifecycleOptions = {}): AsyncGenerator<LifecycleEntry, void, undefined> {
    assertKnown(options, ['from', 'follow', 'sessionId', 'signal']);
    const { from, follow, sessionId, signal } = options;
    if (from !== undefined && !(Number.isSafeInteger(from) && from >= 0)) throw new InvalidRequest('An offset is a whole number from 0 on', { field: 'from' });
    const stop = new AbortController();
    const forward = (): void => stop.abort(signal?.reason);
    if (signal?.aborted === true) forward();
    signal?.addEventListener('abort', forward, { once: true });
    try {
      yield* this.#gateway.lifecycle({
        ...(from === undefined ? {} : { from }),
        ...(follow === undefined ? {} : { follow }),
        ...(sessionId === undefined ? {} : { session_id: parseSessionId(sessionId) }),
        signal: stop.signal,
      });
    } finally {
      signal?.removeEventListener('abort', forward);
      stop.abort();
    }
  }
}
