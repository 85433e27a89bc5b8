import { AckPolicy, createInbox, DeliverPolicy, type Msg, type MsgHdrs, type Subscription } from 'nats';
import type { Clock } from '../ports/clock.ts';
import type { JetStream } from './jetstream.ts';

/** Messages asked for at a time; as many again wait here at most while they come. */
const BATCH = 500;
const PULL_MS = 30_000;
/** The server says this often that it has nothing; twice unheard, the consumer is taken for gone. */
const HEARTBEAT_MS = 1_000;
const SILENCE_MS_MAX = 2_500;
/** The server forgets a consumer whose reader stopped asking. */
const FORGOTTEN_MS = 60_000;
const NS_PER_MS = 1_000_000;
const HEARTBEAT = 100;
/** 404 and 408: what was asked for has lapsed, ask again. */
const LAPSED = new Set([404, 408]);

export interface PulledMessage {
  readonly subject: string;
  readonly sequence: number;
  readonly headers: MsgHdrs | undefined;
  readonly body: Uint8Array;
  /** Messages that match and come after it, as far as the consumer's server knows. */
  readonly pending: number;
}

export interface PullRequest {
  readonly stream: string;
  readonly filter: string;
  /** First sequence wanted. */
  readonly from: number;
  readonly headersOnly: boolean;
}

/**
 * A consumer of this reader alone that asks for more only as fast as it is read. Nothing is acknowledged: a gap in its
 * own count, a silence, a cut or a word from the server that it is gone all mean the same, `lost`, and the reader goes
 * on with a new one after the last message it had.
 */
export class PullConsumer {
  readonly #js: JetStream;
  readonly #clock: Clock;
  readonly #stream: string;
  readonly #name: string;
  readonly #inbox = createInbox();
  readonly #subscription: Subscription;
  #waiting: PulledMessage[] = [];
  #at = 0;
  #asked = 0;
  #delivered = 0;
  #heardMs: number;
  #isIdle: boolean;
  #isLost = false;
  #wake: () => void = () => {};

  private constructor(js: JetStream, clock: Clock, stream: string, name: string, isIdle: boolean) {
    this.#js = js;
    this.#clock = clock;
    this.#stream = stream;
    this.#name = name;
    this.#isIdle = isIdle;
    this.#heardMs = clock.monotonicMs();
    this.#subscription = js.link.subscribe(this.#inbox, (message) => this.#heed(message));
    this.#askForMore();
  }

  /** @throws Unavailable */
  static async create(js: JetStream, clock: Clock, { stream, filter, from, headersOnly }: PullRequest): Promise<PullConsumer> {
    const { name, num_pending: pending } = await js.createConsumer(stream, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: from,
      filter_subject: filter,
      ack_policy: AckPolicy.None,
      max_deliver: 1,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: FORGOTTEN_MS * NS_PER_MS,
      ...(headersOnly ? { headers_only: true } : {}),
    });
    return new PullConsumer(js, clock, stream, name, pending === 0);
  }

  /** The next message; `idle` when the server has none now, once a second; `lost` for ever, also once aborted. */
  async next(signal: AbortSignal): Promise<PulledMessage | 'idle' | 'lost'> {
    for (;;) {
      if (signal.aborted || this.#isLost) return 'lost';
      const message = this.#take();
      if (message !== undefined) return message;
      if (this.#isIdle) {
        this.#isIdle = false;
        return 'idle';
      }
      const silentMs = this.#clock.monotonicMs() - this.#heardMs;
      if (silentMs >= SILENCE_MS_MAX || !this.#js.link.isConnected) return 'lost';
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
      const request = { batch: BATCH, expires: PULL_MS * NS_PER_MS, idle_heartbeat: HEARTBEAT_MS * NS_PER_MS };
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
    else if (status === HEARTBEAT) this.#isIdle = true;
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
    this.#waiting.push({ subject: message.subject, sequence: delivery.sequence, headers: message.headers, body: message.data, pending: delivery.pending });
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
