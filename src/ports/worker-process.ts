import type { WorkerLoss } from './table-engine.ts';

/** One worker process, as its supervisor sees it. */
export interface WorkerProcess {
  /** Resolves when the process answers calls; rejects when it ended before that. */
  readonly ready: Promise<void>;
  /** Resolves when the process is gone. */
  readonly exited: Promise<WorkerLoss>;
  /** Asks it to end once nothing runs. */
  stop(): void;
  /** SIGKILL: the only certain end. The first cause given is the one `exited` tells. */
  kill(cause: WorkerLoss['cause'], detail: string): void;
}

/** A worker's life: how long each step of it may take. */
export interface WorkerBounds {
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
  /** A worker whose last session left is retired after this long. */
  readonly idleMs: number;
  /** Starts that failed in a row before this one: the wait before it doubles with each. */
  readonly failures: number;
}

export interface WorkerHooks {
  readonly ready: () => void;
  /** It is about to be stopped, and takes no session any more. */
  readonly retiring: () => void;
  /** The process is gone, or never came to be. */
  readonly ended: (wasReady: boolean) => void;
}

/** A worker under supervision, from the wait before its start to its exit. */
export interface SupervisedWorker {
  /** A session was placed on it. */
  assign(): void;
  /** Its last session left. */
  vacate(): void;
  /** Resolves when the process is gone. */
  stop(): Promise<void>;
}

export type SuperviseWorker = (spawn: () => WorkerProcess, bounds: WorkerBounds, hooks: WorkerHooks) => SupervisedWorker;
