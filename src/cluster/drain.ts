import type { SessionPorts } from '../../actors/session-ports.ts';
import type { Clock } from '../ports/clock.ts';
import type { SessionDirectory } from './session-directory.ts';

/** A drain closes twice over: what was open, then what was still opening meanwhile. */
const PASSES = 2;

/** Lets sessions end by themselves, for `drainMs` at most. */
export async function awaitSessions(directory: SessionDirectory, clock: Clock, drainMs: number): Promise<void> {
  let timer: unknown;
  const tooLong = new Promise<void>((resolve) => {
    timer = clock.setTimeout(resolve, drainMs);
  });
  await Promise.race([directory.empty(), tooLong]);
  clock.clearTimeout(timer);
}

/** Closes the rest. What cannot be closed keeps its lease: the other nodes, or the next start, end it. */
export async function closeSessions(directory: SessionDirectory, ports: Pick<SessionPorts, 'onTrouble'>): Promise<void> {
  for (let pass = 0; pass < PASSES; pass += 1) {
    const closing = directory.live().map(async ({ actor }) => {
      try {
        await actor.close('drain');
      } catch (error) {
        ports.onTrouble('left open by the drain; other nodes or the next start end it', actor.identity, error);
      }
    });
    await Promise.all(closing);
  }
}
