import { createActor, fromPromise } from 'xstate';
import { scannerMachine } from '../machines/scanner-machine.ts';
import type { ScannerInput } from '../machines/scanner-machine.ts';
import type { Clock } from '../src/ports/clock.ts';
import type { Holder, LeaseStore } from '../src/ports/lease-store.ts';
import { machineClock } from './machine-clock.ts';

export interface ScannerHooks {
  /** Ends every session of a holder that is gone. */
  readonly adopt: (gone: readonly Holder[]) => Promise<void>;
  /** Ends what the log holds as opened and nobody holds. */
  readonly sweep: () => Promise<void>;
}

/** Watches for holders that are gone and for sessions nobody holds; returns how to stop it. */
export function startScannerActor(leases: LeaseStore, clock: Clock, bounds: ScannerInput, hooks: ScannerHooks): () => void {
  const actor = createActor(
    scannerMachine.provide({
      actors: {
        readHolders: fromPromise(async () => ({ atMs: clock.monotonicMs(), holders: await leases.holders() })),
        adoptOrphans: fromPromise(({ input }) => hooks.adopt(input)),
        sweepLog: fromPromise(() => hooks.sweep()),
      },
    }),
    { clock: machineClock(clock), input: bounds },
  );
  actor.start();
  return () => {
    actor.send({ type: 'STOP' });
    actor.stop();
  };
}
