import { isTerminal } from '../domain/lifecycle-record.ts';
import type { SessionId } from '../domain/ids.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { JournalEntry } from './journal-line.ts';
import { JOURNAL_START, type Anchor } from './journal-scan.ts';

/** What a journal knows of its entries without reading them again. */
export interface JournalLedger {
  /** Takes a verified entry found at the start; says what is wrong with it when it cannot stand where it stands. */
  restore(entry: JournalEntry, position: number, anchor: Anchor): string | undefined;
  /** Takes an entry that is on its way to the disk. */
  apply(entry: JournalEntry, position: number): void;
  /** Takes back the newest entry, which never became durable. */
  undo(entry: JournalEntry): void;
}

/** Where a session's lines are, as positions in the journal's byte stream. */
export interface SessionIndex {
  readonly tenant: Tenant;
  readonly session: SessionId;
  /** The chain: element n is where record n stands. */
  readonly positions: number[];
  decisionPosition: number | undefined;
  /** Wall clock of the terminal record's line, in ms; undefined while the session lives. */
  endedAt: number | undefined;
  readonly firstPosition: number;
}

/**
 * What create-if-absent and look-up need, and no more: positions of the lines of sessions the journal still keeps.
 * Sessions stand in the order of their first line, so retention finds the oldest in front.
 */
export class JournalIndex implements JournalLedger {
  readonly #sessions = new Map<string, SessionIndex>();
  readonly #unfinished = new Set<SessionIndex>();

  get(tenant: Tenant, session: SessionId): SessionIndex | undefined {
    return this.#sessions.get(keyOf(tenant, session));
  }

  /** Sessions with `opened` and no terminal record. */
  unfinished(): SessionIndex[] {
    return [...this.#unfinished];
  }

  restore(entry: JournalEntry, position: number, anchor: Anchor): string | undefined {
    if (!isLogEntry(entry)) return 'belongs to the journal of another part';
    if (entry.kind === 'record') {
      const length = this.get(entry.record.tenant_id, entry.record.session_id)?.positions.length ?? 0;
      // The rest of a session whose beginning went by retention: its chain is no longer kept.
      if (length === 0 && entry.n > 0 && anchor.offset > JOURNAL_START.offset) return undefined;
      if (entry.n !== length) return `is record ${entry.n} of a chain of ${length}`;
    }
    this.apply(entry, position);
    return undefined;
  }

  apply(entry: JournalEntry, position: number): void {
    if (!isLogEntry(entry)) return;
    const known = this.#sessionOf(entry, position);
    if (entry.kind === 'decision') {
      known.decisionPosition = position;
      return;
    }
    known.positions.push(position);
    if (isTerminal(entry.record)) {
      known.endedAt = entry.at;
      this.#unfinished.delete(known);
    } else if (entry.n === 0) {
      this.#unfinished.add(known);
    }
  }

  undo(entry: JournalEntry): void {
    if (!isLogEntry(entry)) return;
    const { tenant, session } = identityOf(entry);
    const known = this.get(tenant, session);
    if (known === undefined) return;
    if (entry.kind === 'decision') {
      known.decisionPosition = undefined;
    } else {
      known.positions.pop();
      known.endedAt = undefined;
      if (known.positions.length > 0) this.#unfinished.add(known);
      else this.#unfinished.delete(known);
    }
    if (known.positions.length === 0 && known.decisionPosition === undefined) this.#sessions.delete(keyOf(tenant, session));
  }

  /** Whether every session that began before `end` is over, and has been since before `cutoffMs` (wall clock). */
  allEndedBefore(end: number, cutoffMs: number): boolean {
    for (const known of this.#sessions.values()) {
      if (known.firstPosition >= end) return true;
      const neverOpened = known.positions.length === 0;
      if (!neverOpened && (known.endedAt === undefined || known.endedAt >= cutoffMs)) return false;
    }
    return true;
  }

  /** Forgets the sessions that began before `end`. */
  dropBefore(end: number): void {
    for (const [key, known] of this.#sessions) {
      if (known.firstPosition >= end) return;
      this.#sessions.delete(key);
    }
  }

  #sessionOf(entry: LogEntry, position: number): SessionIndex {
    const { tenant, session } = identityOf(entry);
    const key = keyOf(tenant, session);
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    const created: SessionIndex = { tenant, session, positions: [], decisionPosition: undefined, endedAt: undefined, firstPosition: position };
    this.#sessions.set(key, created);
    return created;
  }
}

type LogEntry = Extract<JournalEntry, { readonly kind: 'record' | 'decision' }>;

function isLogEntry(entry: JournalEntry): entry is LogEntry {
  return entry.kind === 'record' || entry.kind === 'decision';
}

export function identityOf(entry: LogEntry): { readonly tenant: Tenant; readonly session: SessionId } {
  return entry.kind === 'decision'
    ? { tenant: entry.decision.tenant, session: entry.decision.session }
    : { tenant: entry.record.tenant_id, session: entry.record.session_id };
}

function keyOf(tenant: Tenant, session: SessionId): string {
  return `${tenant}/${session}`;
}
