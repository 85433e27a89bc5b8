import { readFileSync } from 'node:fs';
import { EMPTY_WORKER_BYTES } from './memory-bound.ts';
import type { WorkerPoolSettings } from './options.ts';
import type { PooledWorker } from './pooled-worker.ts';

const PAGE_BYTES = 4_096;

/**
 * DuckDB's memory limit does not count everything it allocates, so the process is watched as well. Its memory is read
 * from /proc, which tells the truth of a worker that is busy; where there is no /proc the limit alone holds.
 */
export class WorkerMemoryWatch {
  readonly #settings: Pick<WorkerPoolSettings, 'clock' | 'rssCheckMs' | 'rssSlackBytes'>;
  readonly #workers: () => readonly PooledWorker[];
  #timer: unknown;
  #stopped = false;

  constructor(settings: Pick<WorkerPoolSettings, 'clock' | 'rssCheckMs' | 'rssSlackBytes'>, workers: () => readonly PooledWorker[]) {
    this.#settings = settings;
    this.#workers = workers;
  }

  start(): void {
    this.#timer = this.#settings.clock.setTimeout(() => this.#look(), this.#settings.rssCheckMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#settings.clock.clearTimeout(this.#timer);
  }

  #look(): void {
    for (const worker of this.#workers()) this.#check(worker);
    if (!this.#stopped) this.start();
  }

  #check(worker: PooledWorker): void {
    if (worker.client?.pid === undefined) return;
    const rss = residentBytes(worker.client.pid);
    const limit = EMPTY_WORKER_BYTES + worker.memoryLimitBytes + this.#settings.rssSlackBytes;
    if (rss !== undefined && rss > limit) worker.client.kill('memory', `it held ${rss} bytes, above ${limit}`);
  }
}

/** At once: /proc is memory, and the way over a thread costs many times the read. */
function residentBytes(pid: number): number | undefined {
  try {
    const pages = readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1];
    return Number(pages) * PAGE_BYTES;
  } catch {
    return undefined;
  }
}
