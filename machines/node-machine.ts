import { assign, fromPromise, setup } from 'xstate';

/**
 * A node's run: `starting → recovering → serving ⇄ fenced → draining → stopping → stopped`.
 *
 * A node is ready only while `serving`: after a start it first owes the sessions of its predecessor their end (I3).
 */

export interface NodeContext {
  readonly error: unknown;
  readonly failures: number;
  /** Asked to end before it had begun: what begins is first brought to its end. */
  readonly drainAsked: boolean;
}

export type NodeEvent =
  | { readonly type: 'FENCED' }
  | { readonly type: 'RESTORED' }
  | { readonly type: 'DRAIN' }
  /** A second signal: close at once what is open. */
  | { readonly type: 'HASTEN' };

function effect<Output = void>(name: string) {
  return fromPromise<Output>(() => Promise.reject(new Error(`the node machine was started without its "${name}"`)));
}

export const nodeMachine = setup({
  types: { context: {} as NodeContext, events: {} as NodeEvent },
  actors: {
    /** Workers, lease and scanner begin. */
    start: effect('start'),
    /** Ends what a predecessor left open; resolves when every terminal record stands. */
    recover: effect('recover'),
    /** Lets sessions end by themselves for as long as the drain lasts. */
    awaitSessions: effect('awaitSessions'),
    /** Closes what is still open with reason `drain`; resolves when the records stand. */
    closeSessions: effect('closeSessions'),
    /** Stops scanner, lease, workers and log, in that order. */
    stop: effect('stop'),
  },
  actions: {
    noteError: assign({ error: ({ event }) => ('error' in event ? event.error : null), failures: ({ context }) => context.failures + 1 }),
  },
  guards: {
    drainIsAsked: ({ context }) => context.drainAsked,
  },
  delays: {
    backoff: ({ context }) => Math.min(5_000, 100 * 2 ** Math.min(context.failures, 8)),
  },
}).createMachine({
  id: 'node',
  context: { error: null, failures: 0, drainAsked: false },
  initial: 'starting',
  states: {
    starting: {
      invoke: {
        src: 'start',
        onDone: [{ guard: 'drainIsAsked', target: 'stopping' }, { target: 'recovering' }],
        onError: { target: 'failed', actions: 'noteError' },
      },
      on: { DRAIN: { actions: assign({ drainAsked: true }) } },
    },
    recovering: {
      invoke: { src: 'recover', onDone: 'serving', onError: { target: 'waitingToRecover', actions: 'noteError' } },
      on: { DRAIN: 'stopping' },
    },
    waitingToRecover: { after: { backoff: 'recovering' }, on: { DRAIN: 'stopping' } },
    serving: { on: { FENCED: 'fenced', DRAIN: 'draining' } },
    fenced: { on: { RESTORED: 'serving', DRAIN: 'draining' } },
    draining: {
      initial: 'waiting',
      states: {
        waiting: { invoke: { src: 'awaitSessions', onDone: 'closing', onError: 'closing' }, on: { HASTEN: 'closing' } },
        closing: {
          invoke: { src: 'closeSessions', onDone: '#node.stopping', onError: { target: '#node.stopping', actions: 'noteError' } },
        },
      },
    },
    stopping: {
      invoke: { src: 'stop', onDone: 'stopped', onError: { target: 'stopped', actions: 'noteError' } },
    },
    stopped: { type: 'final' },
    failed: { type: 'final' },
  },
});
