import type { ActorRefFrom, SnapshotFrom } from 'xstate';
import type { sessionMachine } from '../machines/session-machine.ts';
import type { SessionIdentity } from './session-ports.ts';
import { failureOf } from './session-standing.ts';

type Session = ActorRefFrom<typeof sessionMachine>;

/** Resolves once the session is there, or is over. */
export function reached(actor: Session, isThere: (snapshot: SnapshotFrom<typeof sessionMachine>) => boolean): Promise<void> {
  if (isThere(actor.getSnapshot())) return Promise.resolve();
  return new Promise((resolve) => {
    const check = (): void => {
      if (!isThere(actor.getSnapshot())) return;
      subscription.unsubscribe();
      resolve();
    };
    const subscription = actor.subscribe({ next: check, complete: check });
  });
}

/** Rejects when something keeps the session from its end, be it so already; pending while nothing does. */
export async function failed(actor: Session, identity: SessionIdentity): Promise<never> {
  await reached(actor, (snapshot) => snapshot.status === 'done' || failureOf(snapshot, identity) !== undefined);
  const failure = failureOf(actor.getSnapshot(), identity);
  if (failure !== undefined) throw failure;
  return new Promise(() => {});
}
