import { LeaseLost, MayflyError, QueryCancelled, QueryTimeout } from '../domain/errors.ts';
import type { ByteStream, RowFormat } from '../domain/gateway.ts';
import type { LogicalName } from '../domain/table-name.ts';
import type { DropReceipt, Slot, SlotAnswer, SlotQuery, TableDescription, TableOrigin, WorkerLoss, WorkOptions } from '../ports/table-engine.ts';
import type { RunningCall, WorkerClient } from './client.ts';
import type { CallOf, SlotAddress } from './input.ts';
import { NOTHING_HELD } from './nothing-held.ts';
import type { WorkerPoolSettings } from './options.ts';
import type { WorkerResults } from './output.ts';

type Bounds = Pick<WorkerPoolSettings, 'clock' | 'interruptGraceMs' | 'dropTimeoutMs'>;
type Work = 'createTable' | 'insert' | 'query' | 'describeTable' | 'dropTable';

/** Told of the slot's life, each once. */
export interface SlotHold {
  /** Before the first work is sent. */
  begun(): void;
  /** After the drop that left no table. */
  released(): void;
}

/** A slot in a worker process. It keeps the bounds: an interrupt that is not heeded in time costs the worker its life. */
export class RemoteSlot implements Slot {
  readonly lost: Promise<WorkerLoss>;
  readonly #worker: WorkerClient;
  readonly #address: SlotAddress;
  readonly #bounds: Bounds;
  readonly #hold: SlotHold;
  readonly #running = new Set<() => void>();
  #noLongerHeld: () => void = () => undefined;
  #dropping: Promise<DropReceipt> | undefined;
  #receipt: DropReceipt | undefined;
  #begun = false;
  #sealed = false;

  constructor(worker: WorkerClient, address: SlotAddress, bounds: Bounds, hold: SlotHold) {
    this.#worker = worker;
    this.#address = address;
    this.#bounds = bounds;
    this.#hold = hold;
    this.lost = new Promise((resolve) => {
      this.#noLongerHeld = worker.onExit(resolve);
    });
  }

  async createTable(name: LogicalName, origin: TableOrigin, primaryKey: readonly string[], options: WorkOptions): Promise<{ rows: number }> {
    const body = origin.kind === 'arrow' ? origin.body : undefined;
    const described = origin.kind === 'arrow' ? { kind: origin.kind } : origin;
    const { rows } = await this.#work({ call: 'createTable', ...this.#address, name, origin: described, primaryKey }, options, body);
    await options.noteCount({ name, rows });
    return { rows };
  }

  async insert(name: LogicalName, format: RowFormat, body: ByteStream, options: WorkOptions): Promise<{ rows: number }> {
    const { rows, total } = await this.#work({ call: 'insert', ...this.#address, name, format }, options, body);
    if (rows > 0) await options.noteCount({ name, rows: total });
    return { rows };
  }

  async query(query: SlotQuery, options: WorkOptions): Promise<SlotAnswer> {
    this.#admit(options);
    const running = this.#worker.start({ call: 'query', ...this.#address, query }, { noteCount: options.noteCount });
    const watch = this.#watch(running, options);
    try {
      const { format } = await running.answered;
      return { format, body: watched(running.answer, watch), over: running.ended };
    } catch (error) {
      throw watch.explain(error);
    }
  }

  async describeTable(name: LogicalName, options: WorkOptions): Promise<TableDescription> {
    return this.#work({ call: 'describeTable', ...this.#address, name }, options);
  }

  async dropTable(name: LogicalName, options: WorkOptions): Promise<{ rows: number }> {
    return this.#work({ call: 'dropTable', ...this.#address, name }, options);
  }

  async interrupt(): Promise<void> {
    for (const stop of this.#running) stop();
  }

  async seal(): Promise<void> {
    this.#sealed = true;
    if (!this.#begun) return;
    const { interruptGraceMs, dropTimeoutMs } = this.#bounds;
    // What runs has to heed its interrupt; where nothing does, the worker is only late, as it may be with the drop.
    const boundMs = this.#running.size > 0 ? interruptGraceMs : dropTimeoutMs;
    await this.#bounded(this.#worker.start({ call: 'seal', ...this.#address }), boundMs);
  }

  /** The worker forgets a slot that was dropped: the receipt is kept here, and is the answer to every repeat (I4). */
  async drop(token: number): Promise<DropReceipt> {
    this.#dropping ??= this.#drop(token).finally(() => {
      this.#dropping = undefined;
    });
    return this.#receipt ?? this.#dropping;
  }

  async #drop(token: number): Promise<DropReceipt> {
    if (this.#receipt !== undefined) return this.#receipt;
    this.#sealed = true;
    // Work that does not heed its interrupt is killed for that, well before the drop's own time is up.
    await this.interrupt();
    const receipt = await this.#dropped(token);
    if (receipt.surviving.length > 0) return receipt;
    this.#receipt = receipt;
    // A slot that was dropped is not lost with its worker.
    this.#noLongerHeld();
    this.#hold.released();
    return receipt;
  }

  /** A worker that was never asked for anything has nothing to drop. */
  async #dropped(token: number): Promise<DropReceipt> {
    if (!this.#begun) return { token, ...NOTHING_HELD };
    return this.#bounded(this.#worker.start({ call: 'drop', ...this.#address, token }), this.#bounds.dropTimeoutMs);
  }

  async #work<Name extends Work>(call: CallOf<Name>, options: WorkOptions, body?: ByteStream): Promise<WorkerResults[Name]> {
    this.#admit(options);
    const running = this.#worker.start<Name>(call, { body, noteCount: options.noteCount });
    const watch = this.#watch(running, options);
    try {
      return await running.answered;
    } catch (error) {
      throw watch.explain(error);
    }
  }

  /** The worker opens the slot for the first call it hears: it hears none after a seal or a drop (I5). */
  #admit({ signal }: WorkOptions): void {
    if (this.#sealed) throw new LeaseLost('The session takes no more work on this node', {});
    if (signal?.aborted === true) throw new QueryCancelled('The call was cancelled before it began');
    if (this.#begun) return;
    this.#begun = true;
    this.#hold.begun();
  }

  /** Interrupts at the timeout and when the caller goes away; then the worker has `interruptGraceMs` to end the call. */
  #watch(running: RunningCall<Work>, { signal, timeoutMs }: WorkOptions): Watch {
    const { clock, interruptGraceMs } = this.#bounds;
    let timedOut = false;
    let over = false;
    let grace: unknown;
    const stop = (): void => {
      if (over) return;
      running.cancel();
      grace ??= clock.setTimeout(() => this.#worker.kill('unresponsive', 'a statement did not heed its interrupt'), interruptGraceMs);
    };
    const timer = clock.setTimeout(() => {
      timedOut = true;
      stop();
    }, timeoutMs);
    signal?.addEventListener('abort', stop, { once: true });
    this.#running.add(stop);
    void running.ended.then(() => {
      over = true;
      clock.clearTimeout(timer);
      if (grace !== undefined) clock.clearTimeout(grace);
      signal?.removeEventListener('abort', stop);
      this.#running.delete(stop);
    });
    const timeout = (): Error =>
      new QueryTimeout(`The statement took longer than ${timeoutMs} ms and was interrupted; nothing of it was kept`, { timeout_ms: timeoutMs });
    return { stop, explain: (error) => (timedOut && error instanceof MayflyError && error.code === 'query_cancelled' ? timeout() : error) };
  }

  async #bounded<Name extends 'seal' | 'drop'>(running: RunningCall<Name>, timeoutMs: number): Promise<WorkerResults[Name]> {
    const { clock } = this.#bounds;
    const timer = clock.setTimeout(() => this.#worker.kill('unresponsive', 'it did not let go of a session in time'), timeoutMs);
    try {
      return await running.answered;
    } finally {
      clock.clearTimeout(timer);
    }
  }
}

interface Watch {
  readonly stop: () => void;
  readonly explain: (error: unknown) => unknown;
}

/** A reader that leaves early interrupts the statement, within the same bound as every other interrupt. */
async function* watched(answer: ByteStream, watch: Watch): AsyncGenerator<Uint8Array, void, void> {
  let whole = false;
  try {
    yield* answer;
    whole = true;
  } catch (error) {
    whole = true;
    throw watch.explain(error);
  } finally {
    if (!whole) watch.stop();
  }
}
