import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Erasure } from '../domain/lifecycle-record.ts';
import { collectGarbage, collectYoungGarbage } from './chunk-budget.ts';
import { Sandbox, type SandboxLimits } from './sandbox.ts';

export interface SlotPoolOptions {
  /** Sandboxes kept ready, whatever the demand. */
  readonly ahead: number;
  /** Of all sessions alike; each sandbox has a folder of its own below the spill folder. */
  readonly limits: SandboxLimits;
  /** Whether a sandbox may serve again after its session. */
  readonly reuse: boolean;
}

/** Where a session's memory and spill files went. */
export type SlotErasure = Pick<Erasure, 'memory' | 'spill'>;

interface Ready {
  readonly sandbox: Promise<Sandbox>;
  readonly sinceMs: number;
  isMade: boolean;
}

/** Sandboxes kept beyond `ahead` for a demand that was there a moment ago. */
const KEPT_MAX = 32;
const KEPT_MS = 5_000;
/** A session during which the process grew by more leaves memory behind that only the end of its instance gives back. */
const SMALL_BYTES = 32 * 1_048_576;
/** A bound on whatever an instance may gather over its sessions. */
const USES_MAX = 1_000;
const COLLECT_AFTER_MS = 250;
const KIB = 1_024;
/** A look at the process's memory costs as much as a small statement: the beginnings of sessions share one this long. */
const LOOK_EVERY_MS = 20;

/**
 * Sandboxes made ahead of need, since making one takes longer than opening a session should. One that stayed small
 * serves the next session of its tenant (a worker has one tenant, I7); every other is destroyed.
 */
export class SlotPool {
  readonly #options: SlotPoolOptions;
  readonly #ready: Ready[] = [];
  readonly #uses = new WeakMap<Sandbox, number>();
  readonly #takenAtBytes = new WeakMap<Sandbox, number>();
  #looked = { atMs: -Infinity, bytes: 0 };
  #made = 0;
  #closed = false;
  #collecting: NodeJS.Timeout | undefined;
  #trim: NodeJS.Timeout | undefined;

  constructor(options: SlotPoolOptions) {
    this.#options = options;
  }

  /** Makes the first ones. */
  async fill(): Promise<void> {
    this.#refill();
    await Promise.all(this.#ready.map(({ sandbox }) => sandbox));
  }

  async take(): Promise<Sandbox> {
    try {
      const sandbox = await this.#takeReady();
      this.#uses.set(sandbox, (this.#uses.get(sandbox) ?? 0) + 1);
      this.#takenAtBytes.set(sandbox, this.#recentBytes());
      return sandbox;
    } finally {
      // After the caller's own work, so that the next session does not delay this one.
      void setImmediate().then(() => this.#refill());
    }
  }

  /** Drops all that the session had, with its catalog or with the whole instance; nothing may run on it. */
  async release(sandbox: Sandbox): Promise<SlotErasure> {
    const stayedSmall = this.#stayedSmall(sandbox);
    if (stayedSmall && this.#mayServeAgain(sandbox)) {
      try {
        await sandbox.empty();
        // Once the receipt is on its way, not beside it.
        this.#put(setImmediate().then(() => this.#furnished(sandbox)));
        this.#trim ??= setTimeout(() => this.#trimOld(), KEPT_MS).unref();
        return { memory: 'catalog_detached', spill: 'none' };
      } catch {
        // What cannot be emptied for certain is destroyed.
      }
    }
    const spilled = await sandbox.destroy();
    if (stayedSmall) {
      collectYoungGarbage();
      this.#collectSoon();
    } else {
      collectGarbage();
    }
    return { memory: 'instance_closed', spill: spilled ? 'removed' : 'none' };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#trim);
    clearTimeout(this.#collecting);
    await this.#discard(this.#ready.splice(0));
  }

  #mayServeAgain(sandbox: Sandbox): boolean {
    if (!this.#options.reuse || this.#closed || this.#ready.length >= this.#options.ahead + KEPT_MAX) return false;
    return (this.#uses.get(sandbox) ?? 0) < USES_MAX;
  }

  #stayedSmall(sandbox: Sandbox): boolean {
    const smallBytes = (this.#takenAtBytes.get(sandbox) ?? 0) + SMALL_BYTES;
    // What the process never held it does not hold now: the peak costs a tenth of a look.
    return !sandbox.hasSpilled && (process.resourceUsage().maxRSS * KIB <= smallBytes || process.memoryUsage.rss() <= smallBytes);
  }

  #recentBytes(): number {
    const nowMs = performance.now();
    if (nowMs - this.#looked.atMs >= LOOK_EVERY_MS) this.#looked = { atMs: nowMs, bytes: process.memoryUsage.rss() };
    return this.#looked.bytes;
  }

  /** Of those that are made the one used last, so that those that demand has no use for grow old, and go; else the one begun first. */
  #takeReady(): Promise<Sandbox> {
    const made = this.#ready.findLastIndex(({ isMade }) => isMade);
    return this.#ready.splice(Math.max(0, made), 1)[0]?.sandbox ?? this.#make();
  }

  #put(sandbox: Promise<Sandbox>): void {
    const ready: Ready = { sandbox, sinceMs: performance.now(), isMade: false };
    sandbox.then(
      () => (ready.isMade = true),
      // Heard by whoever waits for it; nobody else is to.
      () => this.#forget(ready),
    );
    this.#ready.push(ready);
  }

  #forget(ready: Ready): void {
    const at = this.#ready.indexOf(ready);
    if (at >= 0) this.#ready.splice(at, 1);
  }

  #trimOld(): void {
    this.#trim = undefined;
    const oldMs = performance.now() - KEPT_MS;
    const spare = this.#ready.filter(({ sinceMs }) => sinceMs <= oldMs).slice(0, Math.max(0, this.#ready.length - this.#options.ahead));
    for (const ready of spare) this.#forget(ready);
    void this.#discard(spare);
    if (this.#ready.length > this.#options.ahead) this.#trim = setTimeout(() => this.#trimOld(), KEPT_MS).unref();
  }

  async #discard(old: readonly Ready[]): Promise<void> {
    for (const made of await Promise.allSettled(old.map(({ sandbox }) => sandbox))) {
      if (made.status === 'fulfilled') await made.value.destroy();
      // Each takes milliseconds, which calls need not wait for in a row.
      await setImmediate();
    }
    this.#collectSoon();
  }

  /**
   * Results and statements keep an instance alive until they are collected. Of a small session they are young, but for
   * those that lived long: one collection is enough for all that go within a moment.
   */
  #collectSoon(): void {
    this.#collecting ??= setTimeout(() => {
      this.#collecting = undefined;
      collectGarbage();
    }, COLLECT_AFTER_MS).unref();
  }

  #refill(): void {
    while (!this.#closed && this.#ready.length < this.#options.ahead) this.#put(this.#make());
  }

  async #furnished(sandbox: Sandbox): Promise<Sandbox> {
    try {
      await sandbox.furnish();
      return sandbox;
    } catch {
      await sandbox.destroy();
      return this.#make();
    }
  }

  #make(): Promise<Sandbox> {
    const { limits } = this.#options;
    this.#made += 1;
    return Sandbox.create({ ...limits, spillDirectory: join(limits.spillDirectory, String(this.#made)) });
  }
}
