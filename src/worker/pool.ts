import { mkdir, rm } from 'node:fs/promises';
import { QuotaExceeded, Unavailable } from '../domain/errors.ts';
import type { ServingWindow } from '../domain/serving-window.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Slot, SlotRequest, TableEngine } from '../ports/table-engine.ts';
import { WorkerMemoryWatch } from './memory-watch.ts';
import { withDefaults, type WorkerPoolOptions, type WorkerPoolSettings } from './options.ts';
import { PooledWorker } from './pooled-worker.ts';
import { RemoteSlot } from './remote-slot.ts';

export type { WorkerPoolOptions } from './options.ts';

const OPEN_TRIES_MAX = 3;
/** A tenant with so many sessions on each of its workers takes a spare that is ready, while it has fewer workers than there are cores. */
const SPREAD_SESSIONS = 32;

/** The table engine over worker processes: one tenant a worker (I7), spares kept ready, everything bounded. */
export class WorkerTableEngine implements TableEngine {
  readonly #settings: WorkerPoolSettings;
  readonly #workers = new Set<PooledWorker>();
  readonly #memory: WorkerMemoryWatch;
  /** Starts that failed in a row. */
  #failures = 0;
  #lastSlot = 0;
  #closing = false;
  #window: ServingWindow | undefined;

  private constructor(settings: WorkerPoolSettings) {
    this.#settings = settings;
    this.#memory = new WorkerMemoryWatch(settings, () => [...this.#workers]);
  }

  /**
   * Resolves once a spare takes sessions. The others start after it: at the same time they would only take the cores
   * that the first, and the node, start on.
   * @throws Unavailable when it does not start
   */
  static async start(options: WorkerPoolOptions): Promise<WorkerTableEngine> {
    const engine = new WorkerTableEngine(withDefaults(options));
    await mkdir(options.spillRoot, { recursive: true, mode: 0o700 });
    engine.#memory.start();
    try {
      if (engine.#settings.spareWorkers > 0) await engine.#add().ready;
    } catch (error) {
      await engine.close();
      throw error;
    }
    engine.#refill();
    return engine;
  }

  async openSlot(request: SlotRequest): Promise<Slot> {
    if (this.#closing) throw new Unavailable('The node takes no more sessions');
    for (let tries = 1; ; tries++) {
      const worker = this.#place(request.tenant);
      worker.assign(request.tenant, request.session);
      this.#tellCounts();
      this.#refill();
      try {
        return await this.#open(worker, request);
      } catch (error) {
        worker.release(request.session);
        // A worker that died meanwhile says nothing of the next one; the session holds no data yet.
        if (tries >= OPEN_TRIES_MAX || !(worker.retiring || worker.isGone) || this.#closing || request.signal?.aborted === true) throw error;
      }
    }
  }

  serveWithin(window: ServingWindow): void {
    this.#window = window;
    for (const worker of this.#workers) worker.client?.serveWithin(window);
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#memory.stop();
    await Promise.all([...this.#workers].map((worker) => worker.stop()));
    await rm(this.#settings.spillRoot, { recursive: true, force: true });
  }

  /** The tenant's own worker with the fewest sessions, while it has room for more; else a spare, ready ones first; else a new one. */
  #place(tenant: Tenant): PooledWorker {
    const { sessionsPerWorkerMax, maxWorkers, cores } = this.#settings;
    const usable = [...this.#workers].filter(({ retiring, isGone }) => !retiring && !isGone);
    const own = usable.filter((worker) => worker.tenant === tenant).sort((a, b) => a.sessions - b.sessions);
    const spares = usable.filter((worker) => worker.tenant === undefined).sort((a, b) => Number(b.isReady) - Number(a.isReady));
    const maySpread = own.length < cores && spares[0]?.isReady === true;
    const room = maySpread ? Math.min(SPREAD_SESSIONS, sessionsPerWorkerMax) : sessionsPerWorkerMax;
    const found = own.find(({ sessions }) => sessions < room) ?? spares[0];
    if (found !== undefined) return found;
    if (this.#workers.size >= maxWorkers) this.#retireIdle(maxWorkers);
    return this.#add();
  }

  /** A worker without sessions makes room for another tenant. @throws QuotaExceeded when there is none, Unavailable when there soon is */
  #retireIdle(limit: number): void {
    const idle = [...this.#workers].find((worker) => worker.sessions === 0 && !worker.retiring && !worker.isGone);
    if (idle === undefined && [...this.#workers].some(({ isGone }) => isGone)) throw new Unavailable('A worker process ended and is being replaced; try again');
    if (idle === undefined) {
      throw new QuotaExceeded(`All ${limit} workers of the node are taken by sessions of other tenants, or full: close sessions, or raise --max-workers`, {
        limit,
        quota: 'workers',
      });
    }
    void idle.stop();
  }

  async #open(worker: PooledWorker, { session, signal }: SlotRequest): Promise<Slot> {
    const client = await abortable(worker.ready, signal);
    // A worker that started since the last heartbeat has not heard it.
    if (this.#window !== undefined) client.serveWithin(this.#window);
    if (client.isGone) throw new Unavailable('The worker process ended; try again');
    return new RemoteSlot(client, { slot: ++this.#lastSlot, session }, this.#settings, {
      begun: () => worker.begin(session),
      released: () => worker.release(session),
    });
  }

  #refill(): void {
    if (this.#closing) return;
    const spares = (): number => [...this.#workers].filter((worker) => worker.tenant === undefined && !worker.retiring).length;
    while (this.#workers.size < this.#settings.maxWorkers && spares() < this.#settings.spareWorkers) this.#add();
  }

  #add(): PooledWorker {
    const worker = new PooledWorker(this.#settings, this.#failures, (wasReady) => {
      this.#workers.delete(worker);
      this.#failures = wasReady ? 0 : this.#failures + 1;
      this.#tellCounts();
      this.#refill();
    });
    this.#workers.add(worker);
    this.#tellCounts();
    return worker;
  }

  #tellCounts(): void {
    const spares = [...this.#workers].filter(({ tenant }) => tenant === undefined).length;
    this.#settings.onWorkers('spare', spares);
    this.#settings.onWorkers('busy', this.#workers.size - spares);
  }
}

async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(new Unavailable('The call was cancelled while it waited for a worker'));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
