import type { Holder } from '../ports/lease-store.ts';
import type { OutboxEntry } from '../ports/outbox.ts';
import type { LifecycleRecord } from '../domain/lifecycle-record.ts';
import type { JournalLedger } from './journal-index.ts';
import type { JournalEntry } from './journal-line.ts';

/** An `opened` that was given up on is not owed; of those that are still looked for, no more are remembered. */
const OPENED_MAX = 10_000;

interface Unsettled {
  readonly entry: OutboxEntry;
  readonly offset: number;
  readonly position: number;
  /** Kept by an earlier run. */
  readonly isOld: boolean;
}

/** What of an outbox is not settled, and the newest that is. */
export class OutboxLedger implements JournalLedger {
  /** By append id, oldest first. */
  readonly #owed = new Map<string, Unsettled>();
  readonly #opened = new Map<string, Unsettled>();
  readonly #idByOffset = new Map<number, string>();
  /** Of this run: what is owed at a place of a session's chain. */
  readonly #idByPlace = new Map<string, string>();
  #latest: { readonly entry: OutboxEntry; readonly sequence: number } | undefined;
  #stream: { readonly name: string | undefined; readonly position: number } | undefined;

  get latest(): OutboxEntry | undefined {
    return this.#latest?.entry;
  }

  get stream(): string | undefined {
    return this.#stream?.name;
  }

  get owedCount(): number {
    return this.#owed.size;
  }

  restore(entry: JournalEntry, position: number): string | undefined {
    if (entry.kind === 'kept') this.#add(entry, position, true);
    if (entry.kind === 'stream') this.#adopt(entry.stream ?? undefined, position);
    if (entry.kind === 'record' || entry.kind === 'decision') return 'belongs to the journal of another part';
    if (entry.kind !== 'settled') return undefined;
    const id = this.#idByOffset.get(entry.entry);
    // Its own line went by retention.
    if (id === undefined) return undefined;
    if (entry.sequence === null) this.withdraw(id);
    else this.settle(id, entry.sequence);
    return undefined;
  }

  apply(entry: JournalEntry, position: number): void {
    if (entry.kind === 'kept') this.#add(entry, position, false);
    else if (entry.kind === 'stream') this.#adopt(entry.stream ?? undefined, position);
  }

  undo(entry: JournalEntry): void {
    if (entry.kind === 'kept') this.#remove(entry.append_id);
    // Which one stood before is not known any more: in doubt, all is looked for again.
    else if (entry.kind === 'stream') this.#stream = undefined;
  }

  /** The offset of its line; undefined when there is nothing to settle. */
  settle(appendId: string, sequence: number): number | undefined {
    const known = this.#remove(appendId);
    if (known === undefined) return undefined;
    if (this.#latest === undefined || this.#latest.sequence < sequence) this.#latest = { entry: known.entry, sequence };
    return known.offset;
  }

  withdraw(appendId: string): number | undefined {
    return this.#remove(appendId)?.offset;
  }

  /** What was owed before this run. */
  owed(): OutboxEntry[] {
    return [...this.#owed.values()].filter(({ isOld }) => isOld).map(({ entry }) => entry);
  }

  /** What this run owes at the same place in the same words, and where its line is. */
  same(n: number, record: LifecycleRecord): { readonly entry: OutboxEntry; readonly position: number } | undefined {
    const known = this.#owed.get(this.#idByPlace.get(placeOf(n, record)) ?? '');
    return known !== undefined && withoutTime(known.entry.record) === withoutTime(record) ? known : undefined;
  }

  owesBefore(end: number): boolean {
    for (const { position } of this.#owed.values()) if (position < end) return true;
    return false;
  }

  /** Whether the word on the stream has to be said again. */
  forgetBefore(end: number): boolean {
    for (const [id, { position }] of this.#opened) if (position < end) this.#remove(id);
    return this.#stream !== undefined && this.#stream.position < end;
  }

  #adopt(name: string | undefined, position: number): void {
    this.#stream = { name, position };
    this.#latest = undefined;
  }

  #add(entry: Extract<JournalEntry, { readonly kind: 'kept' }>, position: number, isOld: boolean): void {
    const known: Unsettled = { entry: asOutboxEntry(entry), offset: entry.offset, position, isOld };
    this.#idByOffset.set(entry.offset, entry.append_id);
    if (entry.n > 0) {
      this.#owed.set(entry.append_id, known);
      if (!isOld) this.#idByPlace.set(placeOf(entry.n, entry.record), entry.append_id);
      return;
    }
    this.#opened.set(entry.append_id, known);
    const [oldest] = this.#opened.keys();
    if (this.#opened.size > OPENED_MAX && oldest !== undefined) this.#remove(oldest);
  }

  #remove(appendId: string): Unsettled | undefined {
    const known = this.#owed.get(appendId) ?? this.#opened.get(appendId);
    if (known === undefined) return undefined;
    this.#owed.delete(appendId);
    this.#opened.delete(appendId);
    this.#idByOffset.delete(known.offset);
    const place = placeOf(known.entry.n, known.entry.record);
    if (this.#idByPlace.get(place) === appendId) this.#idByPlace.delete(place);
    return known;
  }
}

export function asOutboxEntry(entry: Extract<JournalEntry, { readonly kind: 'kept' }>): OutboxEntry {
  const holder: Holder = entry.by;
  return { appendId: entry.append_id, n: entry.n, record: entry.record, holder, keptAt: entry.at };
}

function placeOf(n: number, { session_id }: LifecycleRecord): string {
  return `${session_id}/${n}`;
}

function withoutTime({ occurred_at: _, ...record }: LifecycleRecord): string {
  return JSON.stringify(record);
}
