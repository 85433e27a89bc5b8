import type { SessionId } from '../domain/ids.ts';
import type { HeartbeatAnswer, Holder, KnownHolder, Lease, LeaseContext, LeaseStore, NodeNotice } from '../ports/lease-store.ts';
import { LeaseNotes, readNotes } from './lease-notes.ts';
import type { OnNotice } from './notice.ts';

interface HolderState {
  readonly holder: Holder;
  /** Undefined until its first heartbeat in this process; a predecessor's never comes. */
  counter: number | undefined;
  notice: NodeNotice | undefined;
  readonly contexts: Map<SessionId, LeaseContext>;
  readonly revoked: Set<SessionId>;
  readonly notes: LeaseNotes;
}

/** Leases of one process, in memory; contexts go to the notes first, so that the next process can adopt them (I6). */
export class EmbeddedLeaseStore implements LeaseStore {
  readonly #folder: string;
  readonly #onNotice: OnNotice;
  readonly #holders = new Map<string, HolderState>();
  readonly #directory = new Map<SessionId, HolderState>();

  private constructor(folder: string, onNotice: OnNotice) {
    this.#folder = folder;
    this.#onNotice = onNotice;
  }

  /** Reads what earlier incarnations noted: they reappear with counter 0, which never moves again. */
  static open(folder: string, onNotice: OnNotice): EmbeddedLeaseStore {
    const store = new EmbeddedLeaseStore(folder, onNotice);
    for (const { holder, contexts } of readNotes(folder)) {
      const state = store.#state(holder);
      for (const [session, context] of contexts) {
        state.contexts.set(session, context);
        store.#directory.set(session, state);
      }
    }
    return store;
  }

  async heartbeat(holder: Holder, counter: number, notice?: NodeNotice): Promise<HeartbeatAnswer> {
    const state = this.#state(holder);
    state.notice = notice ?? state.notice;
    const previous = state.counter;
    state.counter = Math.max(previous ?? 0, counter);
    // The same counter again is a beat whose answer was lost.
    const previousSeen = previous !== undefined && (previous === counter || previous === counter - 1);
    return { previousSeen, revoked: [...state.revoked] };
  }

  async put(lease: Lease): Promise<void> {
    const state = this.#state(lease.holder);
    try {
      state.notes.note(lease.session, lease.context, state.contexts);
    } catch (error) {
      this.#onNotice({ kind: 'note_failed', detail: String(error), fields: { session_id: lease.session } });
      throw error;
    }
    state.contexts.set(lease.session, lease.context);
    this.#directory.set(lease.session, state);
  }

  async remove(holder: Holder, session: SessionId): Promise<void> {
    const state = this.#holders.get(keyOf(holder));
    if (state === undefined || !state.contexts.has(session)) return;
    state.notes.note(session, null, state.contexts);
    state.contexts.delete(session);
    state.revoked.delete(session);
    if (this.#directory.get(session) === state) this.#directory.delete(session);
  }

  async find(session: SessionId): Promise<Lease | undefined> {
    const state = this.#directory.get(session);
    const context = state?.contexts.get(session);
    return state === undefined || context === undefined ? undefined : { holder: state.holder, session, context };
  }

  async holders(): Promise<readonly KnownHolder[]> {
    return [...this.#holders.values()].map(({ holder, counter, notice }) => ({ holder, counter: counter ?? 0, ...(notice === undefined ? {} : { notice }) }));
  }

  async leases(holder: Holder): Promise<readonly Lease[]> {
    const state = this.#holders.get(keyOf(holder));
    return state === undefined ? [] : [...state.contexts].map(([session, context]) => ({ holder: state.holder, session, context }));
  }

  async revoke(holder: Holder, session: SessionId): Promise<void> {
    const state = this.#holders.get(keyOf(holder));
    if (state?.contexts.has(session) === true) state.revoked.add(session);
  }

  async forget(holder: Holder): Promise<boolean> {
    const state = this.#holders.get(keyOf(holder));
    if (state === undefined) return true;
    if (state.contexts.size > 0) return false;
    this.#holders.delete(keyOf(holder));
    state.notes.delete();
    return true;
  }

  /** Holders without sessions leave no file behind; the others stay for the next process. */
  async close(): Promise<void> {
    for (const state of this.#holders.values()) {
      if (state.contexts.size === 0) state.notes.delete();
      else state.notes.close();
    }
    this.#holders.clear();
    this.#directory.clear();
  }

  #state(holder: Holder): HolderState {
    const key = keyOf(holder);
    const known = this.#holders.get(key);
    if (known !== undefined) return known;
    const own = { node: holder.node, incarnation: holder.incarnation };
    const state: HolderState = {
      holder: own,
      counter: undefined,
      notice: undefined,
      contexts: new Map(),
      revoked: new Set(),
      notes: new LeaseNotes(this.#folder, own),
    };
    this.#holders.set(key, state);
    return state;
  }
}

function keyOf(holder: Holder): string {
  return `${holder.node}/${holder.incarnation}`;
}
