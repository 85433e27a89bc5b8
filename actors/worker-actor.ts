import { createActor } from 'xstate';
import { workerMachine } from '../machines/worker-machine.ts';
import type { Clock } from '../src/ports/clock.ts';
import type { SuperviseWorker, WorkerProcess } from '../src/ports/worker-process.ts';
import { machineClock } from './machine-clock.ts';

/** Brings the worker machine to life over real processes. */
export function workerSupervision(clock: Clock): SuperviseWorker {
  return (spawn, bounds, hooks) => {
    let process: WorkerProcess | undefined;
    let wasReady = false;
    const machine = workerMachine.provide({
      actions: {
        spawnProcess: () => {
          process = spawn();
          // A process that ends before it is ready says so through `exited` alone.
          void process.ready.then(
            () => actor.send({ type: 'READY' }),
            () => undefined,
          );
          void process.exited.then(() => actor.send({ type: 'EXIT' }));
        },
        announceReady: () => {
          wasReady = true;
          hooks.ready();
        },
        announceRetiring: () => hooks.retiring(),
        askToStop: () => process?.stop(),
        killProcess: () => process?.kill('killed', 'it did not start or stop in time'),
      },
    });
    const actor = createActor(machine, { input: bounds, clock: machineClock(clock) });
    const gone = new Promise<void>((resolve) => {
      actor.subscribe({
        complete: () => {
          hooks.ended(wasReady);
          resolve();
        },
      });
    });
    actor.start();
    return {
      assign: () => actor.send({ type: 'ASSIGN' }),
      vacate: () => actor.send({ type: 'VACATE' }),
      stop: () => {
        actor.send({ type: 'STOP' });
        return gone;
      },
    };
  };
}
