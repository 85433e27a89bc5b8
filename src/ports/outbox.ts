import type { LifecycleRecord } from '../domain/lifecycle-record.ts';
import type { Holder } from './lease-store.ts';

/** A record that is durable here, and may not stand in the shared log yet. */
export interface OutboxEntry {
  /** Increases with each entry of this outbox. */
  readonly id: number;
  /** Position in the session's chain that was tried first. */
  readonly n: number;
  readonly record: LifecycleRecord;
  readonly holder: Holder;
}

/** Where the shared log holds an entry: enough to notice a log that was recreated or fell back. */
export interface Standing {
  readonly stream: string;
  readonly sequence: number;
}

/**
 * A node's own durable memory of what it publishes: written and synced before the shared log is tried, so that a crash
 * between the two loses nothing. `opened` is kept as well, but never replayed: nobody was answered.
 */
export interface Outbox {
  /** Resolves once synced. @throws Unavailable when it cannot be written */
  keep(n: number, record: LifecycleRecord, holder: Holder): Promise<OutboxEntry>;
  /** The shared log holds it, or holds the end of its session: it need not be replayed. Need not be synced. */
  settle(entry: OutboxEntry, standing: Standing): void;
  /** Kept and not settled, oldest first; of this run and of earlier ones on the same folder. */
  unsettled(): AsyncIterable<OutboxEntry>;
  /** Settled entries whose `standing` is beyond `lastSequence` of that stream, or in another stream: the log lost them. */
  lost(stream: string, lastSequence: number): AsyncIterable<OutboxEntry>;
  close(): Promise<void>;
}
