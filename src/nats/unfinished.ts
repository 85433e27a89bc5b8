import type { SessionId } from '../domain/ids.ts';
import { Unavailable } from '../domain/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { OpenEntry } from '../ports/lifecycle-log.ts';
import type { JetStream } from './jetstream.ts';
import { eventOf, holderOf, placeOf } from './messages.ts';
import type { PulledMessage } from './pull-consumer.ts';
import { readStream } from './stream-reader.ts';
import { LIFECYCLE_STREAM } from './streams.ts';

/**
 * The sessions opened and not ended (I3), kept up from the headers of what is new since the last look: a sweep costs
 * what happened in between, and memory what is open.
 */
export class UnfinishedSessions {
  readonly #js: JetStream;
  readonly #clock: Clock;
  readonly #open = new Map<SessionId, OpenEntry>();
  /** One object a holder, however many sessions are its. */
  readonly #holders = new Map<string, OpenEntry['openedBy']>();
  #seen = 0;
  #stream: string | undefined;
  #catchingUp: Promise<void> | undefined;

  constructor(js: JetStream, clock: Clock) {
    this.#js = js;
    this.#clock = clock;
  }

  /** @throws Unavailable */
  async *entries(signal: AbortSignal): AsyncGenerator<OpenEntry> {
    this.#catchingUp ??= this.#catchUp(signal).finally(() => (this.#catchingUp = undefined));
    await this.#catchingUp;
    yield* this.#open.values();
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    const info = await this.#js.streamInfo(LIFECYCLE_STREAM);
    if (info === undefined) throw new Unavailable(`There is no stream ${LIFECYCLE_STREAM}`);
    if (info.created !== this.#stream || info.state.last_seq < this.#seen) this.#forget();
    this.#stream = info.created;
    if (info.state.last_seq === this.#seen) return;
    const news = { stream: LIFECYCLE_STREAM, filter: undefined, from: this.#seen + 1, headersOnly: true, follow: false, signal };
    for await (const message of readStream(this.#js, this.#clock, news)) this.#take(message);
    if (signal.aborted) throw new Unavailable('The lifecycle log is closed');
  }

  #take({ subject, headers, sequence }: PulledMessage): void {
    this.#seen = sequence;
    const place = placeOf(subject);
    if (place === undefined) return;
    const { tenant, session, n } = place;
    const event = eventOf(headers);
    if (n === 0) this.#open.set(session, { tenant, session, openedBy: this.#sameHolder(holderOf(headers)) });
    else if (event === 'closed' || event === 'timed_out') this.#open.delete(session);
  }

  #sameHolder(holder: OpenEntry['openedBy']): OpenEntry['openedBy'] {
    const key = `${holder.node}/${holder.incarnation}/${holder.life ?? ''}`;
    const known = this.#holders.get(key);
    if (known !== undefined) return known;
    this.#holders.set(key, holder);
    return holder;
  }

  #forget(): void {
    this.#open.clear();
    this.#holders.clear();
    this.#seen = 0;
  }
}
