import type { SessionId } from '../domain/ids.ts';
import type { Holder } from './lease-store.ts';

export interface BusEars {
  /** Somebody decided the end of a session of this holder: a hint, ahead of the heartbeat that tells it for certain. */
  readonly onRevoked: (session: SessionId) => void;
}

/**
 * Short messages between nodes. No safety rests on them: a message may be lost, and what it says is looked up where it
 * stands. Only messages that bear the cluster's secret are heeded.
 */
export interface NodeBus {
  /** Answers for this holder from now on; resolves when others can reach it. @throws Unavailable */
  listen(holder: Holder, ears: BusEars): Promise<void>;
  /** Whether that very incarnation answers, within 500 ms. False as well when the bus cannot be reached. */
  ping(holder: Holder): Promise<boolean>;
  /** Tells a holder that its session has a decision; never throws. */
  revoke(holder: Holder, session: SessionId): void;
  /** Whether messages can be sent now. */
  readonly isConnected: boolean;
  close(): Promise<void>;
}
