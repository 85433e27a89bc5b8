import { setup } from 'xstate';

/**
 * One worker process: `backingOff → starting → ready → assigned ⇄ idle → stopping → exited`.
 *
 * The process may be gone at any moment, so every state knows `EXIT`. A process that does not end in time is killed;
 * a machine never restarts: its owner starts the next with one failure more, which waits longer first.
 */

export interface WorkerInput {
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly idleMs: number;
  readonly failures: number;
}

export type WorkerEvent =
  { readonly type: 'READY' } | { readonly type: 'EXIT' } | { readonly type: 'ASSIGN' } | { readonly type: 'VACATE' } | { readonly type: 'STOP' };

export const BACKOFF_MIN_MS = 50;
export const BACKOFF_MAX_MS = 10_000;

export const workerMachine = setup({
  types: { context: {} as WorkerInput, events: {} as WorkerEvent, input: {} as WorkerInput },
  actions: {
    spawnProcess: () => {},
    announceReady: () => {},
    /** No session may be placed on it from here on. */
    announceRetiring: () => {},
    askToStop: () => {},
    killProcess: () => {},
  },
  delays: {
    backoff: ({ context }) => (context.failures === 0 ? 0 : Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(context.failures - 1, 16))),
    startTimeout: ({ context }) => context.startTimeoutMs,
    stopTimeout: ({ context }) => context.stopTimeoutMs,
    idleTimeout: ({ context }) => context.idleMs,
  },
}).createMachine({
  id: 'worker',
  context: ({ input }) => ({ ...input }),
  initial: 'backingOff',
  states: {
    backingOff: { after: { backoff: 'starting' }, on: { STOP: 'exited' } },
    starting: {
      entry: 'spawnProcess',
      after: { startTimeout: 'killing' },
      on: { READY: 'ready', STOP: 'killing', EXIT: 'exited' },
    },
    /** A spare. */
    ready: { entry: 'announceReady', on: { ASSIGN: 'assigned', STOP: 'stopping', EXIT: 'exited' } },
    /** Serves sessions of one tenant (I7). */
    assigned: { on: { VACATE: 'idle', STOP: 'stopping', EXIT: 'exited' } },
    idle: { after: { idleTimeout: 'stopping' }, on: { ASSIGN: 'assigned', STOP: 'stopping', EXIT: 'exited' } },
    stopping: { entry: ['announceRetiring', 'askToStop'], after: { stopTimeout: 'killing' }, on: { EXIT: 'exited' } },
    killing: { entry: ['announceRetiring', 'killProcess'], on: { EXIT: 'exited' } },
    exited: { type: 'final' },
  },
});
