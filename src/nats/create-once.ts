import { Unavailable } from '../domain/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { JetStream, StoredMessage } from './jetstream.ts';
import { appendIdOf, type NewMessage } from './messages.ts';

/** How long one message is tried: in all, and for each publish; in ms. */
export interface Patience {
  readonly totalMs: number;
  readonly publishMs: number;
}

export const WHEN_OPENING: Patience = { totalMs: 700, publishMs: 450 };
export const OTHERWISE: Patience = { totalMs: 10_000, publishMs: 2_000 };

const TRIES_MAX = 6;
const BACKOFF_MS_MIN = 50;
const BACKOFF_MS_MAX = 2_000;

export type CreatedOnce =
  | { readonly created: true; readonly sequence: number }
  /** Somebody else's message stands there. */
  | { readonly created: false; readonly standing: StoredMessage };

/**
 * Stores a message under a subject that holds none (I1). On any doubt (no answer, a cut, somebody was first) the subject
 * is read back from the leader, and the writer knows its own message by its append id. Trying again is safe: however
 * often it was sent, and however late it lands, it lands once, or not at all once another stands there.
 * @throws Unavailable when it may or may not have landed
 */
export async function createOnce(js: JetStream, clock: Clock, message: NewMessage, patience: Patience): Promise<CreatedOnce> {
  const untilMs = clock.monotonicMs() + patience.totalMs;
  const leftMs = (): number => Math.floor(untilMs - clock.monotonicMs());
  let doubt: unknown;
  for (let tries = 1; tries <= TRIES_MAX && leftMs() > 0; tries += 1) {
    try {
      const stored = await js.publishNew(message.subject, message.body, message.headers(), Math.min(patience.publishMs, leftMs()));
      if (stored !== 'taken') return { created: true, sequence: stored };
    } catch (error) {
      doubt = error;
    }
    if (!js.link.isConnected || leftMs() <= 0) break;
    try {
      const standing = await js.last(message.stream, message.subject, Math.min(patience.publishMs, leftMs()));
      if (standing !== undefined) {
        if (appendIdOf(standing.headers) === message.appendId) return { created: true, sequence: standing.sequence };
        return { created: false, standing };
      }
    } catch (error) {
      doubt = error;
    }
    // Refused for one that is still under way to the replicas, and may yet fail: ask again.
    await pause(clock, Math.min(BACKOFF_MS_MIN * 2 ** (tries - 1), BACKOFF_MS_MAX, Math.max(0, leftMs())));
  }
  if (doubt instanceof Unavailable) throw doubt;
  throw new Unavailable('The lifecycle log did not say whether it holds the entry', {}, { cause: doubt });
}

function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.setTimeout(resolve, delayMs));
}
