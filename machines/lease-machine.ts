import { assign, fromPromise, raise, setup } from 'xstate';
import type { HeartbeatAnswer } from '../src/domain/lease.ts';
import type { ServingWindow } from '../src/domain/serving-window.ts';

/**
 * A node's lease on its sessions, kept by its heartbeat: `held → late → fenced → lost`.
 *
 * `standing` says what the node may do, `pulse` does the beating. All instants count from when the last successful
 * heartbeat was *sent* (I5): the store may have taken it at any moment after that.
 */

export interface LeaseInput {
  readonly heartbeatMs: number;
  readonly fenceMs: number;
  readonly claimMs: number;
}

export interface Beat extends HeartbeatAnswer {
  /** Until when the node may serve after this beat. */
  readonly window: ServingWindow;
  /** Milliseconds since this beat was sent, on the monotonic clock. */
  readonly ageMs: number;
  /**
   * The window before was over when this beat was answered: the node was paused, and others may have decided. Its own
   * timers, which count only from when it woke, cannot tell.
   */
  readonly hasLapsed: boolean;
}

export interface LeaseContext extends LeaseInput {
  /** Spent of the window when the last success was heard. */
  readonly ageMs: number;
  readonly beats: number;
  readonly failures: number;
}

export type LeaseEvent =
  | { readonly type: 'BEAT'; readonly beat: Beat }
  /** Wall and monotonic clock ran apart: the machine may have slept, and the window with it. */
  | { readonly type: 'DRIFTED' }
  /** What the node tells of itself is no longer so: the others are to hear of it at once. */
  | { readonly type: 'CHANGED' }
  | { readonly type: 'RELEASE' };

export const leaseMachine = setup({
  types: { context: {} as LeaseContext, events: {} as LeaseEvent, input: {} as LeaseInput },
  actors: {
    beat: fromPromise<Beat>(() => Promise.reject(new Error('the lease machine was started without its "beat"'))),
  },
  actions: {
    noteBeat: assign({ ageMs: (_, beat: Beat) => beat.ageMs, beats: ({ context }) => context.beats + 1, failures: 0 }),
    noteFailure: assign({ failures: ({ context }) => context.failures + 1 }),
    /** Nothing new begins, and nothing is acknowledged (I5). */
    fence: () => {},
    /** The node may serve until the window after this beat was sent. */
    extend: (_, _beat: Beat) => {},
    /** Sessions ask the log for their decisions before they serve again. */
    restore: () => {},
    /** When the store was emptied, sessions without a decision are written back. */
    writeBack: (_, _beat: Beat) => {},
    /** Sessions for which others have a decision. */
    revoke: (_, _beat: Beat) => {},
  },
  guards: {
    isInTime: ({ context }, beat: Beat) => beat.ageMs < context.fenceMs,
    isBack: ({ context }, beat: Beat) => beat.ageMs < context.fenceMs && beat.hasLapsed,
  },
  delays: {
    untilBeat: ({ context }) => context.heartbeatMs,
    untilRetry: ({ context }) => Math.max(10, context.heartbeatMs / 4),
    untilLate: ({ context }) => Math.max(0, context.heartbeatMs * 2 - context.ageMs),
    untilFence: ({ context }) => Math.max(0, context.fenceMs - Math.max(context.ageMs, context.heartbeatMs * 2)),
    untilLost: ({ context }) => context.claimMs - context.fenceMs,
  },
}).createMachine({
  id: 'lease',
  context: ({ input }) => ({ ...input, ageMs: 0, beats: 0, failures: 0 }),
  type: 'parallel',
  states: {
    standing: {
      initial: 'fenced',
      states: {
        held: {
          after: { untilLate: 'late' },
          on: {
            DRIFTED: { target: 'fenced', actions: 'fence' },
            BEAT: [
              { guard: { type: 'isBack', params: ({ event }) => event.beat }, target: 'held', reenter: true, actions: ['fence', 'restore'] },
              { guard: { type: 'isInTime', params: ({ event }) => event.beat }, target: 'held', reenter: true },
            ],
          },
        },
        late: {
          after: { untilFence: { target: 'fenced', actions: 'fence' } },
          on: {
            DRIFTED: { target: 'fenced', actions: 'fence' },
            BEAT: [
              { guard: { type: 'isBack', params: ({ event }) => event.beat }, target: 'held', actions: ['fence', 'restore'] },
              { guard: { type: 'isInTime', params: ({ event }) => event.beat }, target: 'held' },
            ],
          },
        },
        fenced: {
          after: { untilLost: 'lost' },
          on: { BEAT: { guard: { type: 'isInTime', params: ({ event }) => event.beat }, target: 'held', actions: 'restore' } },
        },
        /** Others may have ended the sessions meanwhile; they still answer only what the log says. */
        lost: {
          on: { BEAT: { guard: { type: 'isInTime', params: ({ event }) => event.beat }, target: 'held', actions: 'restore' } },
        },
        released: {},
      },
      on: { RELEASE: '.released' },
    },
    pulse: {
      initial: 'beating',
      states: {
        beating: {
          invoke: {
            src: 'beat',
            onDone: { target: 'resting', actions: raise(({ event }) => ({ type: 'BEAT' as const, beat: event.output })) },
            onError: { target: 'retrying', actions: 'noteFailure' },
          },
        },
        resting: { after: { untilBeat: 'beating' }, on: { DRIFTED: 'beating', CHANGED: 'beating' } },
        retrying: { after: { untilRetry: 'beating' } },
        silent: {},
      },
      on: {
        BEAT: {
          actions: [
            { type: 'noteBeat', params: ({ event }) => event.beat },
            { type: 'extend', params: ({ event }) => event.beat },
            { type: 'writeBack', params: ({ event }) => event.beat },
            { type: 'revoke', params: ({ event }) => event.beat },
          ],
        },
        RELEASE: '.silent',
      },
    },
  },
});
