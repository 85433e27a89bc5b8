import { createActor, fromPromise } from 'xstate';
import { scannerMachine, untilNextScanMs } from '../machines/scanner-machine.ts';
import type { HolderReading, ScannerInput, Watched } from '../machines/scanner-machine.ts';
import type { Clock } from '../src/ports/clock.ts';
import { machineClock } from './machine-clock.ts';
import { spread } from './spread.ts';

export type { HolderReading, Watched } from '../machines/scanner-machine.ts';

export interface ScannerHooks {
  /** One look at every holder there is, or is said to be. */
  readonly read: () => Promise<readonly HolderReading[]>;
  /** Begins to end every session of a holder that is gone. */
  readonly adopt: (gone: readonly Watched[]) => Promise<void>;
  /** Begins to end what the log holds as opened and nobody holds. */
  readonly sweep: () => Promise<void>;
  readonly onTrouble: (what: string, error: unknown) => void;
}

/**
 * Watches for holders that are gone and for sessions nobody holds; returns how to stop it.
 * @param random in [0, 1); absent on a node that has no others to keep out of step with
 */
export function startScannerActor(clock: Clock, bounds: ScannerInput, hooks: ScannerHooks, random?: () => number): () => void {
  const told = async <T>(what: string, step: () => Promise<T>): Promise<T> => {
    try {
      return await step();
    } catch (error) {
      hooks.onTrouble(what, error);
      throw error;
    }
  };
  const actor = createActor(
    scannerMachine.provide({
      delays: { untilScan: ({ context }) => untilNextScanMs({ ...context, scanMs: spread(context.scanMs, random) }) },
      actors: {
        readHolders: fromPromise(async () => {
          const holders = await told('the other nodes could not be looked at', hooks.read);
          return { atMs: clock.monotonicMs(), holders };
        }),
        adoptOrphans: fromPromise(({ input }) => told('sessions of a node that is gone could not be taken over yet', () => hooks.adopt(input))),
        sweepLog: fromPromise(() => told('the log could not be swept for sessions without a holder', hooks.sweep)),
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
