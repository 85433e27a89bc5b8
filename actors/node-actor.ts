import { createActor, fromPromise } from 'xstate';
import { asMayflyError } from '../src/domain/errors.ts';
import { nodeMachine } from '../machines/node-machine.ts';
import type { Clock } from '../src/ports/clock.ts';
import { machineClock } from './machine-clock.ts';

/** What the node does at each step of its run; the steps are the node machine's. */
export interface NodeSteps {
  readonly start: () => Promise<void>;
  readonly recover: () => Promise<void>;
  readonly awaitSessions: () => Promise<void>;
  readonly closeSessions: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export type NodePhase = 'starting' | 'serving' | 'fenced' | 'draining' | 'stopped';

export interface NodeActor {
  readonly phase: NodePhase;
  /** Resolves when the node serves; rejects when it could not start. */
  readonly serving: Promise<void>;
  fence(): void;
  restore(): void;
  /** Resolves when the node has stopped; a second call, with `hasten`, closes at once what is open. */
  drain(options?: { readonly hasten?: boolean }): Promise<void>;
}

export function startNodeActor(clock: Clock, steps: NodeSteps): NodeActor {
  const actor = createActor(
    nodeMachine.provide({
      actors: {
        start: fromPromise(() => steps.start()),
        recover: fromPromise(() => steps.recover()),
        awaitSessions: fromPromise(() => steps.awaitSessions()),
        closeSessions: fromPromise(() => steps.closeSessions()),
        stop: fromPromise(() => steps.stop()),
      },
    }),
    { clock: machineClock(clock) },
  );
  const phase = (): NodePhase => {
    const snapshot = actor.getSnapshot();
    if (snapshot.matches('serving')) return 'serving';
    if (snapshot.matches('fenced')) return 'fenced';
    if (snapshot.matches('draining') || snapshot.matches('stopping')) return 'draining';
    return snapshot.matches('stopped') || snapshot.matches('failed') ? 'stopped' : 'starting';
  };
  const reached = (wanted: NodePhase): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (phase() === wanted) resolve();
        else if (phase() === 'stopped') reject(asMayflyError(actor.getSnapshot().context.error));
      };
      actor.subscribe({ next: check, complete: check });
      check();
    });
  actor.start();
  return {
    get phase() {
      return phase();
    },
    serving: reached('serving'),
    fence: () => actor.send({ type: 'FENCED' }),
    restore: () => actor.send({ type: 'RESTORED' }),
    drain: (options = {}) => {
      actor.send({ type: options.hasten === true ? 'HASTEN' : 'DRAIN' });
      return reached('stopped');
    },
  };
}
