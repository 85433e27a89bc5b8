import type { SessionId } from '../domain/ids.ts';
import { isTerminal } from '../domain/lifecycle-record.ts';
import type { ChainEntry } from '../ports/lifecycle-log.ts';

/** Sessions remembered: an owner's own ones, so that their close asks nobody what stands. */
const HEADS_MAX = 50_000;

/** The last entry known of a session's chain. */
export interface ChainHead {
  readonly n: number;
  readonly isOver: boolean;
}

/** What this process saw standing. It may be behind, never ahead: entries stay where they are (I1). */
export class ChainHeads {
  readonly #heads = new Map<SessionId, ChainHead>();

  get(session: SessionId): ChainHead | undefined {
    return this.#heads.get(session);
  }

  note({ n, record }: ChainEntry): void {
    const known = this.#heads.get(record.session_id);
    if (known !== undefined && known.n >= n) return;
    this.#heads.delete(record.session_id);
    this.#heads.set(record.session_id, { n, isOver: isTerminal(record) });
    const [oldest] = this.#heads.keys();
    if (this.#heads.size > HEADS_MAX && oldest !== undefined) this.#heads.delete(oldest);
  }

  /** After a reconnect: the log may have been replaced by an older one. */
  clear(): void {
    this.#heads.clear();
  }
}
