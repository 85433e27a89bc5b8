import type { LifecycleRecord } from '../domain/lifecycle-record.ts';
import type { Holder } from './lease-store.ts';

/** A record that is durable here, and may not stand in the shared log yet. */
export interface OutboxEntry {
  /** Goes with it into the shared log: by it the writer knows its own entry there. */
  readonly appendId: string;
  /** Position in the session's chain that was tried first. */
  readonly n: number;
  readonly record: LifecycleRecord;
  readonly holder: Holder;
  /** Wall clock when it was kept, ms since 1970. */
  readonly keptAt: number;
}

/**
 * A node's own durable memory of what it publishes: written and synced before the shared log is tried, so that a crash
 * between the two loses nothing. `opened` is kept as well, but never owed: nobody was answered.
 */
export interface Outbox {
  /**
   * Resolves once synced. A record that is owed at that n already, but for its time, is not kept twice: the caller
   * gets the one that is. @throws Unavailable when it cannot be written, or too much is owed
   */
  keep(n: number, record: LifecycleRecord, holder: Holder): Promise<OutboxEntry>;
  /** The shared log holds it. Need not be synced; an id that is not of here, or settled already, is passed over. */
  settle(appendId: string, sequence: number): void;
  /** The shared log does not hold it and never will: another one stands in its place, or the session is over. */
  withdraw(appendId: string): void;
  /** What earlier runs on the same folder kept and did not settle, oldest first, `opened` left out. */
  owed(): readonly OutboxEntry[];
  /** What the shared log was seen to hold, as long as it is kept here, in the order in which it was seen. */
  settled(): AsyncIterable<OutboxEntry>;
  /** Of what was settled since the last `adopt`, the entry with the highest sequence. */
  readonly latest: OutboxEntry | undefined;
  /** The shared log that holds all that is settled, told from a later one of the same name; undefined while that is in doubt. */
  readonly stream: string | undefined;
  /** Says so, or puts it in doubt; resolves once synced. @throws Unavailable */
  adopt(stream: string | undefined): Promise<void>;
  close(): Promise<void>;
}
