import { createActor, fromPromise } from 'xstate';
import { leaseMachine } from '../machines/lease-machine.ts';
import type { Beat, LeaseInput } from '../machines/lease-machine.ts';
import type { SessionId } from '../src/domain/ids.ts';
import { NEVER, standingOf } from '../src/domain/serving-window.ts';
import type { ServingWindow } from '../src/domain/serving-window.ts';
import type { Clock } from '../src/ports/clock.ts';
import type { Holder, LeaseStore, NodeNotice } from '../src/ports/lease-store.ts';
import { machineClock } from './machine-clock.ts';
import { spread } from './spread.ts';

export interface LeaseHooks {
  /** The node may serve within this window (I5). */
  readonly onHeld: (window: ServingWindow) => void;
  /** The node may serve no more (I5). */
  readonly onFenced: () => void;
  /** It may again, once each session has asked the log. */
  readonly onRestored: () => void;
  /** The store was emptied: write leases back. */
  readonly onForgotten: () => void;
  readonly onRevoked: (sessions: readonly SessionId[]) => void;
}

export interface LeaseActor {
  /** Resolves when the node first holds its lease. */
  readonly held: Promise<void>;
  /** The clocks ran apart: fenced at once, and a heartbeat is sent. */
  drifted(): void;
  /** The notice changed: a heartbeat tells it now rather than in its time. */
  changed(): void;
  release(): void;
}

export interface LeasePorts {
  readonly leases: LeaseStore;
  readonly clock: Clock;
  readonly holder: Holder;
  /** What the node tells the others; undefined before they can reach it. */
  readonly notice: () => NodeNotice | undefined;
  /** In [0, 1); absent on a node that has no others to keep out of step with. */
  readonly random?: () => number;
}

/** Keeps the node's lease by its heartbeat. */
export function startLeaseActor({ leases, clock, holder, notice, random }: LeasePorts, bounds: LeaseInput, hooks: LeaseHooks): LeaseActor {
  let counter = 0;
  let last: ServingWindow = NEVER;
  const beat = async (): Promise<Beat> => {
    counter += 1;
    const sentMs = clock.monotonicMs();
    const sentWallMs = clock.wallMs();
    const answer = await leases.heartbeat(holder, counter, notice());
    const window = { untilMs: sentMs + bounds.fenceMs, offsetMs: sentWallMs - sentMs };
    const hasLapsed = standingOf(last, clock.monotonicMs(), clock.wallMs()) !== 'held';
    last = window;
    return { ...answer, window, ageMs: clock.monotonicMs() - sentMs, hasLapsed };
  };
  const actor = createActor(
    leaseMachine.provide({
      actors: { beat: fromPromise(beat) },
      delays: { untilBeat: ({ context }) => spread(context.heartbeatMs, random) },
      actions: {
        fence: () => hooks.onFenced(),
        extend: (_, { window }) => hooks.onHeld(window),
        restore: () => hooks.onRestored(),
        writeBack: ({ context }, { previousSeen }) => {
          if (!previousSeen && context.beats > 1) hooks.onForgotten();
        },
        revoke: (_, { revoked }) => {
          if (revoked.length > 0) hooks.onRevoked(revoked);
        },
      },
    }),
    { clock: machineClock(clock), input: bounds },
  );
  const held = new Promise<void>((resolve) => {
    const subscription = actor.subscribe((snapshot) => {
      if (!snapshot.matches({ standing: 'held' })) return;
      subscription.unsubscribe();
      resolve();
    });
  });
  actor.start();
  return {
    held,
    drifted: () => actor.send({ type: 'DRIFTED' }),
    changed: () => actor.send({ type: 'CHANGED' }),
    release: () => {
      actor.send({ type: 'RELEASE' });
      actor.stop();
    },
  };
}
