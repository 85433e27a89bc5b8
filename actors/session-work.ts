import type { MayflyError } from '../src/domain/errors.ts';
import type { Slot, WorkOptions } from '../src/ports/table-engine.ts';

/** When it was opened and how long it may last; all in ms, null for no bound. */
export interface SessionTimes {
  readonly createdAtMs: number;
  readonly timeoutMs: number | null;
  readonly idleTimeoutMs: number | null;
}

export interface WorkRequest {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** A piece of work that has its turn: it must be ended, whatever comes of it. */
export interface Work {
  readonly slot: Slot;
  readonly options: WorkOptions;
  /** Leaves the turn to the next one, once. */
  end(): void;
  /** The error a caller gets for `error`: the session's end, when that is what cut the work off. */
  explain(error: unknown): Promise<MayflyError>;
}
