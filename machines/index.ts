import type { AnyStateMachine } from 'xstate';
import { leaseMachine } from './lease-machine.ts';
import { nodeMachine } from './node-machine.ts';
import { scannerMachine } from './scanner-machine.ts';
import { sessionMachine } from './session-machine.ts';
import { workerMachine } from './worker-machine.ts';

/** Every machine by its name, as `mayfly machine <name>` draws it. */
export const MACHINES = {
  session: sessionMachine,
  lease: leaseMachine,
  scanner: scannerMachine,
  worker: workerMachine,
  node: nodeMachine,
} as const satisfies Record<string, AnyStateMachine>;

export type MachineName = keyof typeof MACHINES;

export const MACHINE_NAMES = Object.keys(MACHINES) as readonly MachineName[];
