import { assign, fromPromise, setup } from 'xstate';
import type { Holder } from '../src/domain/lease.ts';

/**
 * Watches over sessions whose holder may be gone. Every scan reads all holders' counters; a holder is *gone* when its
 * counter stood unmoved throughout `claimMs` of this scanner's own monotonic time, counted only over gap-free
 * successive reads: a scanner that was paused or cut off starts its windows anew, so nobody is claimed by mistake.
 * Every `scansPerSweep` scans it sweeps: sessions the log holds as opened and not ended, against the leases (I3).
 */

export interface ScannerInput {
  readonly scanMs: number;
  readonly claimMs: number;
  readonly scansPerSweep: number;
}

export interface HolderReading {
  readonly holder: Holder;
  readonly counter: number;
}

/** One look at every holder. */
export interface Reading {
  readonly atMs: number;
  readonly holders: readonly HolderReading[];
}

export interface Watched extends HolderReading {
  /** When the counter was first seen at its present value. */
  readonly unmovedSinceMs: number;
}

export interface ScannerContext extends ScannerInput {
  readonly watched: readonly Watched[];
  readonly lastReadMs: number | null;
  readonly gone: readonly Watched[];
  readonly scans: number;
  readonly failures: number;
}

export type ScannerEvent = { readonly type: 'NUDGED' } | { readonly type: 'STOP' };

/** Two reads further apart than this many scan intervals leave a gap in which a holder could have moved unseen. */
const GAP_SCANS = 4;

export function watch(context: ScannerContext, reading: Reading): Pick<ScannerContext, 'watched' | 'lastReadMs' | 'gone'> {
  const gapFree = context.lastReadMs !== null && reading.atMs - context.lastReadMs <= context.scanMs * GAP_SCANS;
  const watched = reading.holders.map((seen): Watched => {
    const before = context.watched.find((known) => isSame(known.holder, seen.holder));
    const unmoved = gapFree && before !== undefined && before.counter === seen.counter;
    return { ...seen, unmovedSinceMs: unmoved ? before.unmovedSinceMs : reading.atMs };
  });
  const gone = watched.filter(({ unmovedSinceMs }) => reading.atMs - unmovedSinceMs >= context.claimMs);
  return { watched, lastReadMs: reading.atMs, gone };
}

function isSame(a: Holder, b: Holder): boolean {
  return a.node === b.node && a.incarnation === b.incarnation;
}

function effect<Output, Input = void>(name: string) {
  return fromPromise<Output, Input>(() => Promise.reject(new Error(`the scanner machine was started without its "${name}"`)));
}

export const scannerMachine = setup({
  types: { context: {} as ScannerContext, events: {} as ScannerEvent, input: {} as ScannerInput },
  actors: {
    readHolders: effect<Reading>('readHolders'),
    /** Begins to end every session of the holders that are gone. */
    adoptOrphans: effect<void, readonly Watched[]>('adoptOrphans'),
    sweepLog: effect<void>('sweepLog'),
  },
  actions: {
    noteReading: assign(({ context }, reading: Reading) => ({ ...watch(context, reading), scans: context.scans + 1, failures: 0 })),
    noteFailure: assign({ failures: ({ context }) => context.failures + 1 }),
    /** After a failed read nothing is known of the time between: every window starts anew. */
    forgetWindows: assign({ lastReadMs: null, gone: [] }),
  },
  guards: {
    someAreGone: ({ context }) => context.gone.length > 0,
    sweepIsDue: ({ context }) => context.scans % context.scansPerSweep === 0,
  },
  delays: {
    untilScan: ({ context }) => context.scanMs,
    backoff: ({ context }) => Math.min(10_000, context.scanMs * 2 ** Math.min(context.failures, 8)),
  },
}).createMachine({
  id: 'scanner',
  context: ({ input }) => ({ ...input, watched: [], lastReadMs: null, gone: [], scans: 0, failures: 0 }),
  initial: 'waiting',
  states: {
    waiting: { after: { untilScan: 'scanning' }, on: { NUDGED: 'scanning' } },
    scanning: {
      invoke: {
        src: 'readHolders',
        onDone: { target: 'judging', actions: { type: 'noteReading', params: ({ event }) => event.output } },
        onError: { target: 'backingOff', actions: ['noteFailure', 'forgetWindows'] },
      },
    },
    judging: {
      always: [{ guard: 'someAreGone', target: 'adopting' }, { guard: 'sweepIsDue', target: 'sweeping' }, { target: 'waiting' }],
    },
    adopting: {
      invoke: {
        src: 'adoptOrphans',
        input: ({ context }) => context.gone,
        onDone: 'waiting',
        onError: { target: 'backingOff', actions: 'noteFailure' },
      },
    },
    sweeping: {
      invoke: { src: 'sweepLog', onDone: 'waiting', onError: { target: 'backingOff', actions: 'noteFailure' } },
    },
    backingOff: { after: { backoff: 'scanning' } },
    stopped: { type: 'final' },
  },
  on: { STOP: '.stopped' },
});
