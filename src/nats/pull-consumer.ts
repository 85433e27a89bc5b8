import { AckPolicy, createInbox, DeliverPolicy, type ConsumerInfo, type Msg, type MsgHdrs, type Subscription } from 'nats';
import type { Clock } from '../ports/clock.ts';
import type { JetStream } from './jetstream.ts';

/** Messages asked for at a time; as many again wait here at most while they come. */
const BATCH = 500;
const PULL_MS = 30_000;
/** The server says this often that it has nothing more; nothing heard for much longer, the consumer is taken for gone. */
const HEARTBEAT_MS = 1_000;
/** To a reader who waits for the end alone. */
const HEARTBEAT_MS_MIN = 100;
const SILENCE_MS_MAX = 2_500;
/** The server forgets a consumer whose reader stopped asking. */
const FORGOTTEN_MS = 60_000;
const NS_PER_MS = 1_000_000;
const HEARTBEAT = 100;
/** 404 and 408: what was asked for has lapsed, ask again. */
const LAPSED = new Set([404, 408]);

export interface PulledMessage {
  readonly kind: 'message';
  readonly subject: string;
  readonly sequence: number;
  readonly headers: MsgHdrs | undefined;
  readonly body: Uint8Array;
  /** Messages that match and come after it, as far as the consumer's server knows. */
  readonly pending: number;
}

export type PullStep =
  | PulledMessage
  /** The server has none now; up to this sequence it has given all that match. */
  | { readonly kind: 'idle'; readonly position: number }
  | { readonly kind: 'lost' };

export interface PullRequest {
  readonly stream: string;
  /** Undefined: every message; a filter costs the server a count of all that is there. */
  readonly filter: string | undefined;
  /** First sequence wanted. */
  readonly from: number;
  readonly headersOnly: boolean;
  readonly follow: boolean;
}

/**
 * A consumer of this reader alone that asks for more only as fast as it is read. Nothing is acknowledged: a gap in its
 * own count, a silence, a cut or a word from the server that it is gone all mean the same, `lost`, and the reader goes
 * on with a new one after the last message it had.
 */
export class PullConsumer {
  /** Whether the server had none when it was made. */
  readonly hasNone: boolean;
  readonly #js: JetStream;
  readonly #clock: Clock;
  readonly #stream: string;
  readonly #name: string;
  readonly #heartbeatMs: number;
  readonly #inbox = createInbox();
  readonly #subscription: Subscription;
  #waiting: PulledMessage[] = [];
  #at = 0;
  #asked = 0;
  #delivered = 0;
  #heardMs: number;
  #position: number | undefined;
  #isLost = false;
  #wake: () => void = () => {};

  private constructor(js: JetStream, clock: Clock, { stream, follow }: PullRequest, { name, num_pending: pending }: ConsumerInfo) {
    this.#js = js;
    this.#clock = clock;
    this.#stream = stream;
    this.#name = name;
    this.#heartbeatMs = follow ? HEARTBEAT_MS : HEARTBEAT_MS_MIN;
    this.hasNone = pending === 0;
    this.#heardMs = clock.monotonicMs();
    this.#subscription = js.link.subscribe(this.#inbox, (message) => this.#heed(message));
    this.#askForMore();
  }

  /** @throws Unavailable */
  static async create(js: JetStream, clock: Clock, request: PullRequest): Promise<PullConsumer> {
    const info = await js.createConsumer(request.stream, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: request.from,
      ...(request.filter === undefined ? {} : { filter_subject: request.filter }),
      ack_policy: AckPolicy.None,
      max_deliver: 1,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: FORGOTTEN_MS * NS_PER_MS,
      ...(request.headersOnly ? { headers_only: true } : {}),
    });
    return new PullConsumer(js, clock, request, info);
  }

  /** The next message; `idle` now and then while there is none; `lost` for ever, also once aborted. */
  async next(signal: AbortSignal): Promise<PullStep> {
    for (;;) {
      if (signal.aborted || this.#isLost) return { kind: 'lost' };
      const message = this.#take();
      if (message !== undefined) return message;
      if (this.#position !== undefined) {
        const position = this.#position;
        this.#position = undefined;
        return { kind: 'idle', position };
      }
      const silentMs = this.#clock.monotonicMs() - this.#heardMs;
      if (silentMs >= SILENCE_MS_MAX || !this.#js.link.isConnected) return { kind: 'lost' };
      await this.#heardOrAfter(SILENCE_MS_MAX - silentMs, signal);
    }
  }

  close(): void {
    this.#isLost = true;
    this.#subscription.unsubscribe();
    this.#js.deleteConsumer(this.#stream, this.#name);
  }

  #take(): PulledMessage | undefined {
    const message = this.#waiting[this.#at];
    if (message === undefined) return undefined;
    this.#at += 1;
    if (this.#at === this.#waiting.length) {
      this.#waiting = [];
      this.#at = 0;
    }
    this.#askForMore();
    return message;
  }

  #askForMore(): void {
    if (this.#asked > 0 || this.#waiting.length - this.#at > BATCH) return;
    try {
      const request = { batch: BATCH, expires: PULL_MS * NS_PER_MS, idle_heartbeat: this.#heartbeatMs * NS_PER_MS };
      this.#js.link.publish(`$JS.API.CONSUMER.MSG.NEXT.${this.#stream}.${this.#name}`, JSON.stringify(request), { reply: this.#inbox });
      // Time spent on what waited here is no silence of the server.
      this.#heardMs = this.#clock.monotonicMs();
      this.#asked = BATCH;
    } catch {
      this.#isLost = true;
    }
  }

  #heed(message: Msg): void {
    this.#heardMs = this.#clock.monotonicMs();
    const status = message.headers?.code ?? 0;
    if (status === 0) this.#receive(message);
    else if (status === HEARTBEAT) this.#position = Number(message.headers?.get('Nats-Last-Stream') ?? 0);
    else if (LAPSED.has(status)) {
      this.#asked = 0;
      this.#askForMore();
    } else this.#isLost = true;
    this.#wake();
  }

  #receive(message: Msg): void {
    const delivery = deliveryOf(message.reply ?? '');
    if (delivery?.delivered !== this.#delivered + 1) {
      this.#isLost = true;
      return;
    }
    this.#delivered += 1;
    this.#asked -= 1;
    this.#waiting.push({
      kind: 'message',
      subject: message.subject,
      sequence: delivery.sequence,
      headers: message.headers,
      body: message.data,
      pending: delivery.pending,
    });
  }

  /** Resolves when something was heard, when aborted, and after `delayMs`. */
  #heardOrAfter(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#clock.clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = () => {};
        resolve();
      };
      const timer = this.#clock.setTimeout(done, delayMs);
      signal.addEventListener('abort', done, { once: true });
      this.#wake = done;
    });
  }
}

/** `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<times>.<sequence>.<delivered>.<time>.<pending>[.<token>]` */
function deliveryOf(reply: string): { readonly sequence: number; readonly delivered: number; readonly pending: number } | undefined {
  const tokens = reply.split('.');
  const start = tokens.length >= 11 ? 4 : 2;
  const [sequence, delivered, pending] = [start + 3, start + 4, start + 6].map((at) => Number(tokens[at]));
  if (sequence === undefined || delivered === undefined || pending === undefined || !Number.isSafeInteger(sequence)) return undefined;
  return { sequence, delivered, pending };
}
