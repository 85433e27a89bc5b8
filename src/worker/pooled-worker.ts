import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Unavailable } from '../domain/errors.ts';
import type { SessionId } from '../domain/ids.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { SupervisedWorker } from '../ports/worker-process.ts';
import { WorkerClient } from './client.ts';
import type { WorkerSettings } from './input.ts';
import type { WorkerPoolSettings } from './options.ts';

/** A worker process as the pool keeps it: whose it is, and which sessions it holds. */
export class PooledWorker {
  /** Resolves when it takes calls; rejects when it ended before that. */
  readonly ready: Promise<WorkerClient>;
  readonly #supervised: SupervisedWorker;
  readonly #sessions = new Set<SessionId>();
  /** Those that did something. */
  readonly #working = new Set<SessionId>();
  readonly #memoryLimitBytes: number;
  #client: WorkerClient | undefined;
  #tenant: Tenant | undefined;
  #isReady = false;
  #retiring = false;

  /** @param failures starts that failed in a row; @param onEnd called when the process is gone */
  constructor(settings: WorkerPoolSettings, failures: number, onEnd: (wasReady: boolean) => void) {
    this.#memoryLimitBytes = settings.memoryLimitBytes;
    let became: (client: WorkerClient) => void = () => undefined;
    let never: (error: Error) => void = () => undefined;
    this.ready = new Promise((resolve, reject) => {
      became = resolve;
      never = reject;
    });
    this.ready.catch(() => undefined);
    this.#supervised = settings.supervise(
      () => (this.#client = this.#spawn(settings)),
      { startTimeoutMs: settings.startTimeoutMs, stopTimeoutMs: settings.interruptGraceMs, idleMs: settings.idleWorkerMs, failures },
      {
        ready: () => {
          this.#isReady = true;
          if (this.#client !== undefined) became(this.#client);
          // A session may have waited for it.
          if (this.#tenant !== undefined) this.#supervised.assign();
          if (this.#tenant !== undefined && this.sessions === 0) this.#supervised.vacate();
        },
        retiring: () => {
          this.#retiring = true;
        },
        ended: (wasReady) => {
          this.#retiring = true;
          never(new Unavailable('A worker process did not start'));
          onEnd(wasReady);
        },
      },
    );
  }

  get tenant(): Tenant | undefined {
    return this.#tenant;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get retiring(): boolean {
    return this.#retiring;
  }

  /** Whether its process ended, or is being killed: its end is told only once its files are removed. */
  get isGone(): boolean {
    return this.#client?.isGone === true;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  get client(): WorkerClient | undefined {
    return this.#client;
  }

  /** What its sessions may hold together, in bytes; one that did nothing holds nothing. */
  get memoryLimitBytes(): number {
    return this.#working.size * this.#memoryLimitBytes;
  }

  /** From the first session on the worker is its tenant's for good (I7): freed pages are not zeroed. */
  assign(tenant: Tenant, session: SessionId): void {
    if (this.#tenant !== undefined && this.#tenant !== tenant) throw new Error('a worker never serves a second tenant');
    this.#tenant = tenant;
    this.#sessions.add(session);
    if (this.#isReady) this.#supervised.assign();
  }

  begin(session: SessionId): void {
    this.#working.add(session);
  }

  release(session: SessionId): void {
    this.#working.delete(session);
    if (this.#sessions.delete(session) && this.#sessions.size === 0 && this.#isReady) this.#supervised.vacate();
  }

  async stop(): Promise<void> {
    this.#retiring = true;
    await this.#supervised.stop();
  }

  #spawn(settings: WorkerPoolSettings): WorkerClient {
    const client: WorkerClient = new WorkerClient(workerSettings(settings), (line) => settings.onLine(client.pid ?? 0, line), settings.lifePort);
    const { pid } = client;
    if (pid !== undefined) {
      settings.onSpawn(pid);
      void client.exited.then(() => settings.onExit(pid));
    }
    return client;
  }
}

function workerSettings(settings: WorkerPoolSettings): WorkerSettings {
  const { slotsAhead, threadsPerSlot, memoryLimitBytes, spillMaxBytes, reuseSlots, overshootMaxBytes, windowBytes, messageMaxBytes } = settings;
  const sessions = { sessionsMax: settings.sessionsPerWorkerMax, slotsAhead, reuseSlots, spillFolder: join(settings.spillRoot, randomUUID()) };
  return { ...sessions, threadsPerSlot, memoryLimitBytes, spillMaxBytes, overshootMaxBytes, windowBytes, messageMaxBytes };
}
