import type { SqlPolicy } from '../duckdb/sql-policy.ts';
import { TableEngineSlot } from '../duckdb/table-engine.ts';
import {
  asMayflyError,
  deserializeError,
  Internal,
  type MayflyError,
  MemoryLimitExceeded,
  QueryCancelled,
  Unavailable,
  type SerializedError,
} from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';
import type { SlotPool } from '../duckdb/slot-pool.ts';
import type { ServingWindow } from '../domain/serving-window.ts';
import type { TableCount } from '../ports/lease-store.ts';
import type { DropReceipt, TableOrigin } from '../ports/table-engine.ts';
import { FRAME, type Frame } from './frames.ts';
import type { CallOf, NoteReply, OriginCall, SlotAddress, WorkerCall, WorkerSettings } from './input.ts';
import { EMPTY_WORKER_BYTES, MemoryBound } from './memory-bound.ts';
import { NOTHING_HELD } from './nothing-held.ts';
import { IncomingBody, SendWindow, type Wire } from './wire.ts';
import { WorkerFence } from './worker-fence.ts';

const INTERRUPT_EVERY_MS = 20;

/** What a session's first call opened, or could not open. */
interface OpenedSlot {
  readonly slot: Promise<TableEngineSlot>;
  failed: boolean;
}

/** A call under way in the worker, until its last byte was sent. */
interface Activity {
  readonly slot: number;
  readonly body: IncomingBody;
  readonly window: SendWindow;
  reply?: (reply: NoteReply) => void;
  /** Ends its wait for the slot. */
  refuse?: (error: MayflyError) => void;
  pulse?: NodeJS.Timeout;
  done?: Promise<void>;
}

/** The worker's side of every call: from frames to the slots' work and back. */
export class WorkerHost {
  readonly #wire: Wire;
  readonly #pool: SlotPool;
  readonly #policy: SqlPolicy;
  readonly #settings: WorkerSettings;
  /** Those of sessions that did something. */
  readonly #slots = new Map<number, OpenedSlot>();
  readonly #activities = new Map<number, Activity>();
  readonly #memory = new MemoryBound(
    () => this.#memoryMaxBytes(),
    (heldBytes) => this.#exceed(heldBytes),
  );
  readonly #fence = new WorkerFence();

  constructor(wire: Wire, pool: SlotPool, policy: SqlPolicy, settings: WorkerSettings) {
    this.#wire = wire;
    this.#pool = pool;
    this.#policy = policy;
    this.#settings = settings;
  }

  take({ kind, id, payload }: Frame): void {
    if (kind === FRAME.window) {
      this.#fence.serveWithin(json<ServingWindow>(payload));
      return;
    }
    if (kind === FRAME.call) return this.#begin(id, json<WorkerCall>(payload));
    const activity = this.#activities.get(id);
    // The call ended meanwhile: what its caller still had under way is of no use.
    if (activity === undefined) return;
    if (kind === FRAME.body) activity.body.push(payload);
    else if (kind === FRAME.bodyEnd) activity.body.end();
    else if (kind === FRAME.bodyFailure) activity.body.fail(deserializeError(json<SerializedError>(payload)));
    else if (kind === FRAME.credit) activity.window.credit(Buffer.from(payload).readUInt32LE(0));
    else if (kind === FRAME.noteReply) activity.reply?.(json<NoteReply>(payload));
    else if (kind === FRAME.cancel) this.#cancel(activity);
  }

  /** Interrupts every call; resolves when none runs any more. */
  async cancelAll(): Promise<void> {
    const activities = [...this.#activities.values()];
    for (const activity of activities) {
      this.#cancel(activity);
      activity.reply?.({ refused: 'the worker is cut off from its node' });
    }
    await Promise.all(activities.map(async ({ done }) => done));
  }

  #begin(id: number, call: WorkerCall): void {
    const activity: Activity = {
      slot: call.slot,
      body: new IncomingBody(
        (bytes) => this.#wire.sendCredit(id, bytes),
        () => this.#wire.send(FRAME.cancel, id),
        this.#settings.windowBytes,
      ),
      window: new SendWindow(this.#settings.windowBytes),
    };
    if (this.#activities.size === 0) this.#memory.begin();
    this.#activities.set(id, activity);
    activity.done = this.#answer(id, call, activity);
  }

  async #answer(id: number, call: WorkerCall, activity: Activity): Promise<void> {
    try {
      const { result, body } = await this.#perform(id, call, activity);
      // What was done within the window is told, late or not: the node knows what may still be acknowledged (I5).
      if (body === undefined) return this.#wire.sendJson(FRAME.result, id, result);
      this.#wire.sendHead(FRAME.result, id, result);
      await this.#wire.sendBody(id, body, activity.window);
    } catch (error) {
      this.#wire.sendJson(FRAME.failure, id, asMayflyError(error).serialize());
    } finally {
      clearInterval(activity.pulse);
      this.#activities.delete(id);
      if (this.#activities.size === 0) this.#memory.end();
    }
  }

  async #perform(id: number, call: WorkerCall, activity: Activity): Promise<{ result: unknown; body?: ByteStream }> {
    if (call.call === 'drop') return { result: await this.#drop(call) };
    if (call.call === 'seal') {
      await (await this.#knownSlot(call.slot))?.seal();
      return { result: {} };
    }
    const slot = await this.#slotFor(call, activity);
    const note = (count: TableCount): Promise<void> => this.#note(id, activity, count);
    switch (call.call) {
      case 'createTable':
        return { result: await slot.createTable(call.name, withBody(call.origin, activity.body), call.primaryKey) };
      case 'insert':
        return { result: await slot.insert(call.name, call.format, activity.body) };
      case 'query': {
        const { format, body } = await slot.query(call.query, note);
        return { result: { format }, body: this.#fence.guard(body) };
      }
      case 'describeTable':
        return { result: await slot.describeTable(call.name) };
      case 'dropTable':
        return { result: await slot.dropTable(call.name, note) };
    }
  }

  /** The session's slot, which its first call opens; one that could not be opened is tried again by the next call. */
  #slotOf({ slot, session }: SlotAddress): Promise<TableEngineSlot> {
    const known = this.#slots.get(slot);
    if (known?.failed === false) return known.slot;
    const { messageMaxBytes } = this.#settings;
    const opening = TableEngineSlot.open(this.#pool, this.#policy, { session, messageMaxBytes, isFenced: this.#fence.isOver });
    const opened: OpenedSlot = {
      failed: false,
      slot: opening.catch((cause: unknown) => {
        opened.failed = true;
        throw new Unavailable('The worker could not make what the session needs; try again', {}, { cause });
      }),
    };
    this.#slots.set(slot, opened);
    return opened.slot;
  }

  /** A slot may take long to make: who goes away meanwhile does not wait for it. */
  #slotFor(call: WorkerCall, activity: Activity): Promise<TableEngineSlot> {
    return new Promise((resolve, reject) => {
      activity.refuse = reject;
      this.#slotOf(call).then(resolve, reject);
    });
  }

  /** Undefined when its session did nothing, or could not begin. */
  async #knownSlot(slot: number): Promise<TableEngineSlot | undefined> {
    return this.#slots.get(slot)?.slot.catch(() => undefined);
  }

  /** The node keeps the receipt, so the slot need not be known any longer (I4). */
  async #drop({ slot, token }: CallOf<'drop'>): Promise<DropReceipt> {
    if (!this.#slots.has(slot)) throw new Internal(`The worker has no slot ${slot}`);
    const known = await this.#knownSlot(slot);
    const receipt = (await known?.drop(token)) ?? { token, ...NOTHING_HELD };
    if (receipt.surviving.length === 0) this.#slots.delete(slot);
    return receipt;
  }

  #memoryMaxBytes(): number {
    const { overshootMaxBytes, memoryLimitBytes } = this.#settings;
    return EMPTY_WORKER_BYTES + overshootMaxBytes + this.#slots.size * memoryLimitBytes;
  }

  /** Whose memory it is cannot be told, so all that runs has to stop; their sessions live on. */
  #exceed(heldBytes: number): void {
    const limit = this.#memoryMaxBytes();
    const error = new MemoryLimitExceeded(`The session's memory limit was reached: its process held ${heldBytes} bytes, above ${limit}`);
    for (const activity of this.#activities.values()) this.#cancel(activity, error);
  }

  /** An interrupt that arrives before the work began would be lost, so it is repeated until the call is over. */
  #cancel(activity: Activity, error: MayflyError = new QueryCancelled('The statement was interrupted; nothing of it was kept')): void {
    activity.body.fail(error);
    activity.window.fail(() => error);
    activity.refuse?.(error);
    const interrupt = (): void => void this.#knownSlot(activity.slot).then((slot) => slot?.interrupt(error));
    interrupt();
    activity.pulse ??= setInterval(interrupt, INTERRUPT_EVERY_MS);
  }

  async #note(id: number, activity: Activity, count: TableCount): Promise<void> {
    const reply = await new Promise<NoteReply>((resolve) => {
      activity.reply = resolve;
      this.#wire.sendJson(FRAME.note, id, count);
    });
    if (reply.refused !== undefined) throw new Unavailable(`The count of a table could not be noted: ${reply.refused}`);
  }
}

function withBody(origin: OriginCall, body: ByteStream): TableOrigin {
  return origin.kind === 'arrow' ? { kind: 'arrow', body } : origin;
}

function json<T>(payload: Uint8Array): T {
  return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString()) as T;
}
