import { MayflyError } from '../domain/errors.ts';
import type { SessionView } from '../domain/gateway.ts';
import type { SessionId } from '../domain/ids.ts';
import type { TenantGateway } from './tenant-gateway.ts';

/** Closes asked for at a time. */
const CLOSES_MAX = 8;
/** Sessions remembered before the ones past their deadline are forgotten. */
const PRUNE_AT = 1_024;

interface Opened {
  readonly gateway: TenantGateway;
  /** ms since 1970, or null. */
  readonly expiresAt: number | null;
}

/** Sessions opened through one remote client and not known to have ended: what its `close` has to end. */
export class OpenedSessions {
  readonly #opened = new Map<SessionId, Opened>();
  #pruneAt = PRUNE_AT;

  /** The same gateway, remembering what is opened and closed through it. */
  track(gateway: TenantGateway): TenantGateway {
    return {
      ...gateway,
      openSession: async (...call) => {
        const view = await gateway.openSession(...call);
        this.#add(view, gateway);
        return view;
      },
      closeSession: async (session, reason) => {
        const record = await gateway.closeSession(session, reason);
        this.#opened.delete(session);
        return record;
      },
    };
  }

  /** Ends them all, then rejects with the first failure that leaves one without its record. */
  async closeAll(): Promise<void> {
    const waiting = [...this.#opened];
    this.#opened.clear();
    const failures: unknown[] = [];
    const closeNext = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const [session, { gateway }] = next;
        try {
          await gateway.closeSession(session, 'close');
        } catch (error) {
          const gone = error instanceof MayflyError && (error.code === 'unknown_session' || error.code === 'session_ended');
          if (!gone) failures.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: CLOSES_MAX }, closeNext));
    if (failures.length > 0) throw failures[0];
  }

  #add(view: SessionView, gateway: TenantGateway): void {
    const expiresAt = view.expires_at === null ? null : Date.parse(view.expires_at);
    this.#opened.set(view.session_id, { gateway, expiresAt });
    if (this.#opened.size < this.#pruneAt) return;
    // Deadlines move only by `extend`; a session forgotten too early still ends at its deadline.
    for (const [session, opened] of this.#opened) if (opened.expiresAt !== null && opened.expiresAt < Date.now()) this.#opened.delete(session);
    this.#pruneAt = Math.max(PRUNE_AT, this.#opened.size * 2);
  }
}
