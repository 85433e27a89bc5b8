import { availableParallelism } from 'node:os';
import type { Clock } from '../ports/clock.ts';
import type { LifePort } from './life-port.ts';
import type { SuperviseWorker } from '../ports/worker-process.ts';

/** How the worker processes of a node are kept. */
export interface WorkerPoolOptions {
  /** Folder for spill files, one folder a worker below it; made when missing. It must be on the node's own disk. */
  readonly spillRoot: string;
  /** Worker processes at most, spares included; 1 or more. */
  readonly maxWorkers: number;
  /** Workers kept ready for tenants to come. */
  readonly spareWorkers: number;
  /** The node's life port, which every worker holds open too: while one of them lives, it is not proved dead (I4). */
  readonly lifePort?: LifePort;
  /** Sessions of one tenant on one worker at most. They are spread over a worker a core before they are packed so densely. */
  readonly sessionsPerWorkerMax: number;
  /** Processor cores that workers may keep busy; all of the machine's by default. */
  readonly cores?: number;
  /** Brings one worker process under its machine: `workerSupervision(clock)` of actors/worker-actor.ts. */
  readonly supervise: SuperviseWorker;
  readonly clock: Clock;
  /** Empty slots each worker makes ahead; 1 by default. */
  readonly slotsAhead?: number;
  /** DuckDB threads of one session; 1 by default. */
  readonly threadsPerSlot?: number;
  /** Memory of one session, in bytes; DuckDB manages a little less of it. */
  readonly memoryLimitBytes: number;
  /**
   * Whether the DuckDB instance of a session that stayed small may serve the same tenant again, its connection closed
   * and its catalog detached; true by default.
   */
  readonly reuseSlots?: boolean;
  /** Bytes one session may spill to disk; 4 GiB by default. */
  readonly spillMaxBytes?: number;
  /** Bytes of one body under way between node and worker; 1 MiB by default. */
  readonly windowBytes?: number;
  /** The largest Arrow message or JSON row taken into memory by a worker, in bytes; 64 MiB by default. */
  readonly messageMaxBytes?: number;
  /** Statements are interrupted when their worker is above the limits of its sessions by this much; 192 MiB by default. */
  readonly overshootMaxBytes?: number;
  /**
   * A worker is killed (`memory`) when it is above the limits of its sessions by this much, though its statements were
   * interrupted; 768 MiB by default: DuckDB doubles the memory of one value that grows, and heeds no interrupt meanwhile.
   */
  readonly rssSlackBytes?: number;
  /** How often workers' memory is looked at; 100 by default. */
  readonly rssCheckMs?: number;
  /** How long a statement may ignore its interrupt before its worker is killed; 2,000 by default. */
  readonly interruptGraceMs?: number;
  /** How long a drop may take before the worker is killed; 10,000 by default. */
  readonly dropTimeoutMs?: number;
  /** How long a session waits for a worker to start; 20,000 by default, since a machine that is busy with other things takes seconds. */
  readonly startTimeoutMs?: number;
  /** A worker without sessions is retired after this long; 60,000 by default. */
  readonly idleWorkerMs?: number;
  /** So that the data directory knows which processes to end after a crash. */
  readonly onSpawn?: (pid: number) => void;
  readonly onExit?: (pid: number) => void;
  /** How many processes there are without a tenant, and of one, whenever that may have changed. */
  readonly onWorkers?: (state: 'spare' | 'busy', count: number) => void;
  /** What a worker wrote to its standard output or error, line by line, each at most 4 KiB. */
  readonly onLine?: (pid: number, line: string) => void;
}

export type WorkerPoolSettings = Required<Omit<WorkerPoolOptions, 'lifePort'>> & Pick<WorkerPoolOptions, 'lifePort'>;

const MIB = 1_048_576;

export function withDefaults(options: WorkerPoolOptions): WorkerPoolSettings {
  return {
    cores: availableParallelism(),
    slotsAhead: 1,
    threadsPerSlot: 1,
    reuseSlots: true,
    spillMaxBytes: 4_096 * MIB,
    windowBytes: MIB,
    messageMaxBytes: 64 * MIB,
    overshootMaxBytes: 192 * MIB,
    rssSlackBytes: 768 * MIB,
    rssCheckMs: 100,
    interruptGraceMs: 2_000,
    dropTimeoutMs: 10_000,
    startTimeoutMs: 20_000,
    idleWorkerMs: 60_000,
    onSpawn: () => undefined,
    onExit: () => undefined,
    onWorkers: () => undefined,
    onLine: () => undefined,
    ...options,
  };
}
