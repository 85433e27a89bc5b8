import { MsgHdrsImpl, type ConsumerConfig, type ConsumerInfo, type MsgHdrs, type StreamConfig, type StreamInfo } from 'nats';
import { Unavailable } from '../domain/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { NatsLink } from './connection.ts';
import { GentleQueue } from './gentle-queue.ts';

const API_MS_MAX = 2_000;
/** For a filter the server counts what matches, and nobody publishes meanwhile: half a microsecond a message on 2.9. */
const COUNT_MS_MAX = 20_000;
const API = '$JS.API';

/** A refusal by JetStream: `err_code` tells what, `description` is its own words. */
export interface ApiRefusal {
  readonly code: number;
  readonly err_code: number;
  readonly description: string;
}

export const REFUSALS = {
  noMessage: 10_037,
  notEnabled: 10_076,
  notEnabledForAccount: 10_039,
  streamNotFound: 10_059,
  wrongLastSequence: 10_071,
  storeFailed: 10_077,
} as const;

/** A message as the stream holds it. */
export interface StoredMessage {
  readonly subject: string;
  readonly sequence: number;
  readonly headers: MsgHdrs | undefined;
  readonly body: Buffer;
}

type Answer<T> = ({ readonly error?: undefined } & T) | { readonly error: ApiRefusal };

/** The few calls of JetStream that the log is made of, each bounded in time; reads are answered by the stream's leader. */
export class JetStream {
  readonly link: NatsLink;
  readonly #counting: GentleQueue;

  constructor(link: NatsLink, clock: Clock) {
    this.link = link;
    this.#counting = new GentleQueue(clock);
  }

  /** @throws Unavailable */
  async call<T>(what: string, request: object | undefined, timeoutMs = API_MS_MAX): Promise<Answer<T>> {
    const answer = await this.link.request(`${API}.${what}`, request === undefined ? '' : JSON.stringify(request), { timeoutMs });
    return answer.json<Answer<T>>();
  }

  /** Undefined when there is no such stream. @throws Unavailable */
  async streamInfo(stream: string): Promise<StreamInfo | undefined> {
    const info = await this.call<StreamInfo>(`STREAM.INFO.${stream}`, undefined);
    if (info.error === undefined) return info;
    if (info.error.err_code === REFUSALS.streamNotFound) return undefined;
    throw refused(info.error);
  }

  createStream(config: Partial<StreamConfig> & { readonly name: string }): Promise<Answer<StreamInfo>> {
    return this.call<StreamInfo>(`STREAM.CREATE.${config.name}`, config);
  }

  /** The message under a subject. @throws Unavailable */
  async last(stream: string, subject: string, timeoutMs = API_MS_MAX): Promise<StoredMessage | undefined> {
    return this.#get(stream, { last_by_subj: subject }, timeoutMs);
  }

  /** @throws Unavailable */
  async createConsumer(stream: string, config: Partial<ConsumerConfig>): Promise<ConsumerInfo> {
    const create = (): Promise<Answer<ConsumerInfo>> => this.call(`CONSUMER.CREATE.${stream}`, { stream_name: stream, config }, COUNT_MS_MAX);
    const info = await (config.filter_subject === undefined ? create() : this.#counting.run(create));
    if (info.error !== undefined) throw refused(info.error);
    return info;
  }

  /** Best effort: one that is left is gone after its own idle time. */
  deleteConsumer(stream: string, name: string): void {
    void this.call(`CONSUMER.DELETE.${stream}.${name}`, undefined).catch(() => {});
  }

  /**
   * Stores a message under a subject that holds none: its sequence, or `taken`.
   * @throws Unavailable when it may or may not have landed
   */
  async publishNew(subject: string, body: string, headers: MsgHdrs, timeoutMs: number): Promise<number | 'taken'> {
    headers.set('Nats-Expected-Last-Subject-Sequence', '0');
    const ack = (await this.link.request(subject, body, { timeoutMs, headers })).json<Answer<{ readonly seq: number }>>();
    if (ack.error === undefined) return ack.seq;
    // The second is also any other failure to store: who reads back and finds nothing knows.
    if (ack.error.err_code === REFUSALS.wrongLastSequence || ack.error.err_code === REFUSALS.storeFailed) return 'taken';
    throw refused(ack.error);
  }

  async #get(stream: string, request: object, timeoutMs: number): Promise<StoredMessage | undefined> {
    const answer = await this.call<{ readonly message: WireMessage }>(`STREAM.MSG.GET.${stream}`, request, timeoutMs);
    if (answer.error === undefined) return fromWire(answer.message);
    if (answer.error.err_code === REFUSALS.noMessage) return undefined;
    throw refused(answer.error);
  }
}

interface WireMessage {
  readonly subject: string;
  readonly seq: number;
  readonly hdrs?: string;
  readonly data?: string;
}

function fromWire({ subject, seq, hdrs, data = '' }: WireMessage): StoredMessage {
  const headers = hdrs === undefined ? undefined : MsgHdrsImpl.decode(Buffer.from(hdrs, 'base64'));
  return { subject, sequence: seq, headers, body: Buffer.from(data, 'base64') };
}

export function refused({ description, err_code }: ApiRefusal): Error {
  return new Unavailable(`JetStream refused: ${description}`, { err_code });
}
