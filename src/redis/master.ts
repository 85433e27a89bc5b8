import { Redis } from 'ioredis';
import type { Clock } from '../ports/clock.ts';
import type { OnRedisNotice } from './notice.ts';
import type { Script } from './script.ts';

/** How long one operation may take. */
export const OPERATION_MS_MAX = 250;
/** When that bound is noticed later than this, it was this process that stood still: answers may lie unread … */
const STALL_MS_MIN = 20;
/** … and are given that long to be read. */
const READ_MS_MAX = 50;
const CONNECT_MS_MAX = 1_000;
const RECONNECT_MS_MIN = 50;
const RECONNECT_MS_MAX = 500;
/** A master that says nothing for this long is connected to anew, which drops what waits for its answer. */
const SILENT_MS_MAX = 1_000;
const HANG_UP_MS_MAX = 100;
/** Operations under way; more are refused at once. */
const PENDING_MAX = 10_000;

/** There was no answer within the bound. */
class Overdue extends Error {}

/** One Redis server: a connection that fails fast, and is made anew for ever. */
export class Master {
  readonly name: string;
  readonly #client: Redis;
  readonly #clock: Clock;
  readonly #onNotice: OnRedisNotice;
  #pending = 0;
  /** When the first operation was asked that got no answer, nor any since; undefined while it answers. */
  #silentSinceMs: number | undefined;
  #isUp: boolean | undefined;
  #isClosed = false;

  constructor(url: string, clock: Clock, onNotice: OnRedisNotice) {
    this.name = new URL(url).host;
    this.#clock = clock;
    this.#onNotice = onNotice;
    this.#client = new Redis(url, {
      lazyConnect: true,
      // No `commandTimeout`: after a stall of this process it fails commands whose answers are there. `ask` has the bound.
      connectTimeout: CONNECT_MS_MAX,
      disconnectTimeout: HANG_UP_MS_MAX,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      // A server that still reads its file answers with an error, which counts as no answer.
      enableReadyCheck: false,
      disableClientInfo: true,
      retryStrategy: (times) => Math.min(RECONNECT_MS_MIN * times, RECONNECT_MS_MAX),
    });
    // Every operation reports its own failure.
    this.#client.on('error', () => undefined);
    this.#client.on('ready', () => {
      this.#silentSinceMs = undefined;
    });
    this.#client.on('close', () => this.#turned(false));
  }

  /** Resolves when it is connected, or the first try failed. */
  async connect(): Promise<void> {
    await this.#client.connect().catch(() => undefined);
  }

  /** @throws the client's error, or one of its own when there is no answer within 250 ms */
  async run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    if (keys.length !== script.keys) throw new Error(`a script of ${script.keys} keys was given ${keys.length}`);
    return this.ask(async (client) => {
      try {
        return await client.evalsha(script.sha1, keys.length, ...keys, ...args);
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
        return client.eval(script.text, keys.length, ...keys, ...args);
      }
    });
  }

  /** @throws like `run` */
  async ask<T>(question: (client: Redis) => Promise<T>): Promise<T> {
    if (this.#pending >= PENDING_MAX) throw new Error(`more than ${PENDING_MAX} operations wait for ${this.name}`);
    this.#pending += 1;
    const askedMs = this.#clock.monotonicMs();
    try {
      const answer = await this.#inTime(question(this.#client), askedMs);
      this.#silentSinceMs = undefined;
      this.#turned(true);
      return answer;
    } catch (error) {
      if (error instanceof Overdue) this.#overdue(askedMs);
      throw error;
    } finally {
      this.#pending -= 1;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#client.disconnect();
  }

  async #inTime<T>(answer: Promise<T>, askedMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new Overdue(`${this.name} did not answer within ${OPERATION_MS_MAX} ms`));
      let timer = setTimeout(() => {
        const stalledMs = this.#clock.monotonicMs() - askedMs - OPERATION_MS_MAX;
        if (stalledMs < STALL_MS_MIN) fail();
        else timer = setTimeout(fail, READ_MS_MAX);
      }, OPERATION_MS_MAX);
      answer.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  #overdue(askedMs: number): void {
    this.#silentSinceMs ??= askedMs;
    if (this.#clock.monotonicMs() - this.#silentSinceMs < SILENT_MS_MAX || this.#client.status !== 'ready') return;
    this.#turned(false);
    this.#client.disconnect(true);
  }

  /** Told once each way; how it was at first is told by the check at start. */
  #turned(isUp: boolean): void {
    const wasUp = this.#isUp;
    this.#isUp = isUp;
    if (wasUp === undefined || wasUp === isUp || this.#isClosed) return;
    const fields = { master: this.name };
    if (isUp) this.#onNotice({ kind: 'redis_back', detail: `The Redis master ${this.name} answers`, fields });
    else this.#onNotice({ kind: 'redis_lost', detail: `The Redis master ${this.name} does not answer; a majority of the others goes on without it`, fields });
  }
}
