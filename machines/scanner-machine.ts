import { assign, fromPromise, raise, setup } from 'xstate';
import type { Holder } from '../src/domain/lease.ts';

/**
 * Watches over sessions whose holder may be gone. Every scan reads all holders' counters; a holder is *gone* when its
 * counter stood unmoved throughout `claimMs` of this scanner's own monotonic time, counted only over gap-free
 * successive reads: a scanner that was paused or cut off starts its windows anew, so nobody is claimed by mistake.
 * What the gone ones left is ended beside that, for however long it takes: the other windows go on meanwhile.
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

export type ScannerEvent = { readonly type: 'NUDGED' } | { readonly type: 'LOOKED' } | { readonly type: 'STOP' };

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

/** After the last read: the next interval, or sooner, when the first window will be whole. */
export function untilNextScanMs({ scanMs, claimMs, watched, lastReadMs }: ScannerContext): number {
  if (lastReadMs === null) return scanMs;
  const leftMs = watched.map(({ unmovedSinceMs }) => unmovedSinceMs + claimMs - lastReadMs).filter((ms) => ms > 0);
  return leftMs.reduce((least, ms) => Math.min(least, ms), scanMs);
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
    tellOfReading: raise({ type: 'LOOKED' }),
  },
  guards: {
    someAreGone: ({ context }) => context.gone.length > 0,
    sweepIsDue: ({ context }) => context.scans % context.scansPerSweep === 0,
  },
  delays: {
    untilScan: ({ context }) => untilNextScanMs(context),
    backoff: ({ context }) => Math.min(10_000, context.scanMs * 2 ** Math.min(context.failures, 8)),
  },
}).createMachine({
  id: 'scanner',
  context: ({ input }) => ({ ...input, watched: [], lastReadMs: null, gone: [], scans: 0, failures: 0 }),
  initial: 'watching',
  states: {
    watching: {
      type: 'parallel',
      states: {
        holders: {
          initial: 'waiting',
          states: {
            waiting: { after: { untilScan: 'scanning' }, on: { NUDGED: 'scanning' } },
            scanning: {
              invoke: {
                src: 'readHolders',
                onDone: { target: 'waiting', actions: [{ type: 'noteReading', params: ({ event }) => event.output }, 'tellOfReading'] },
                onError: { target: 'backingOff', actions: ['noteFailure', 'forgetWindows'] },
              },
            },
            backingOff: { after: { backoff: 'scanning' } },
          },
        },
        // What could not be ended is tried again after the next reading.
        orphans: {
          initial: 'none',
          states: {
            none: { on: { LOOKED: { guard: 'someAreGone', target: 'adopting' } } },
            adopting: { invoke: { src: 'adoptOrphans', input: ({ context }) => context.gone, onDone: 'none', onError: 'none' } },
          },
        },
        log: {
          initial: 'unread',
          states: {
            unread: { on: { LOOKED: { guard: 'sweepIsDue', target: 'sweeping' } } },
            sweeping: { invoke: { src: 'sweepLog', onDone: 'unread', onError: 'unread' } },
          },
        },
      },
    },
    stopped: { type: 'final' },
  },
  on: { STOP: '.stopped' },
});
