import { InvalidRequest, MayflyError } from '../domain/errors.ts';
import type { SessionDetails, SessionState, SessionView, TableView } from '../domain/gateway.ts';
import type { SessionId } from '../domain/ids.ts';
import { isTerminal, type LifecycleRecord } from '../domain/lifecycle-record.ts';

/**
 * What a handle last saw of its session, kept apart from the handle: what waits for the session's end holds this and
 * not the handle, which may then be garbage-collected.
 */
export class SessionMemory {
  readonly id: SessionId;
  readonly #name: string | undefined;
  #view: SessionView | undefined;
  #record: LifecycleRecord | undefined;
  readonly #tables = new Set<string>();
  #ended: Promise<LifecycleRecord> | undefined;
  /** Whether the handle opened the session, and so closes it when it is disposed. */
  #opener = false;

  private constructor(id: SessionId, name: string | undefined) {
    this.id = id;
    this.#name = name;
  }

  static opened(view: SessionView): SessionMemory {
    const memory = new SessionMemory(view.session_id, view.tenant_id);
    memory.#view = view;
    memory.#opener = true;
    return memory;
  }

  static attached(id: SessionId, tenant: string | undefined): SessionMemory {
    return new SessionMemory(id, tenant);
  }

  get opener(): boolean {
    return this.#opener;
  }

  get view(): SessionView {
    if (this.#view === undefined) {
      throw new InvalidRequest('This handle was attached by id and has not seen its session yet: `await session.refresh()` first', { field: 'session_id' });
    }
    return this.#view;
  }

  get tenant(): string {
    return this.#view?.tenant_id ?? this.#name ?? this.view.tenant_id;
  }

  get state(): SessionState {
    if (this.#record !== undefined && isTerminal(this.#record)) return this.#record.event;
    return this.view.state;
  }

  /** The terminal record, once it was seen. */
  get record(): LifecycleRecord | undefined {
    return this.#record;
  }

  has(table: string): boolean {
    return this.#tables.has(table);
  }

  saw(view: SessionView): void {
    this.#view = view;
  }

  sawDetails(details: SessionDetails): readonly TableView[] {
    const { tables, ended, ...view } = details;
    this.#view = view;
    this.#tables.clear();
    for (const table of tables) this.#tables.add(table.name);
    if (ended !== undefined) this.end(ended);
    return tables;
  }

  sawTable(name: string): void {
    this.#tables.add(name);
  }

  forgetTable(name: string): void {
    this.#tables.delete(name);
  }

  end(record: LifecycleRecord): void {
    this.#record = record;
    this.#tables.clear();
  }

  /** Learns from an error what it says about the session. */
  sawError(error: unknown, table?: string): void {
    if (!(error instanceof MayflyError)) return;
    if (error.code === 'session_ended') {
      const ended = error.fields['ended'];
      if (typeof ended === 'object' && ended !== null && 'event' in ended) this.end(ended as LifecycleRecord);
    } else if (error.code === 'unknown_table' && table !== undefined && error.fields['name'] === table) {
      this.forgetTable(table);
    } else if (error.code === 'partial_deletion_failure' && this.#view !== undefined) {
      this.#view = { ...this.#view, state: 'partial_failure' };
    }
  }

  /** One wait for the end, shared; one that failed is begun anew by the next who asks. */
  ended(wait: () => Promise<LifecycleRecord>): Promise<LifecycleRecord> {
    if (this.#record !== undefined) return Promise.resolve(this.#record);
    if (this.#ended === undefined) {
      const waiting = wait().then((record) => {
        this.end(record);
        return record;
      });
      this.#ended = waiting;
      // Whoever asked gets the rejection; a mere look at `ended` must not end the process.
      waiting.catch(() => {
        this.#ended = undefined;
      });
    }
    return this.#ended;
  }
}
