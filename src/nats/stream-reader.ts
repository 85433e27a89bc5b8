import type { StreamInfo } from 'nats';
import { Unavailable } from '../domain/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { JetStream } from './jetstream.ts';
import { PullConsumer, type PulledMessage, type PullRequest } from './pull-consumer.ts';

/** A reader that is not a follower, or that never got hold of the stream, gives up after this long without a message. */
const STUCK_MS_MAX = 10_000;
const RETRY_MS = 250;

export interface ReadRequest extends PullRequest {
  readonly signal: AbortSignal;
}

/**
 * The messages of a stream that match, from a sequence on, each once and in order, from replay to live, through
 * reconnects and changes of leader. Ends when aborted; without `follow` at what the leader had when the reading began,
 * however far behind the replica is on which the consumer stands.
 * @throws Unavailable when the stream is out of reach, or was replaced meanwhile
 */
export async function* readStream(js: JetStream, clock: Clock, request: ReadRequest): AsyncGenerator<PulledMessage> {
  const { stream, follow, signal } = request;
  let from = Math.max(request.from, 1);
  let known: StreamInfo | undefined;
  let movedMs = clock.monotonicMs();
  const isStuck = (): boolean => clock.monotonicMs() - movedMs >= STUCK_MS_MAX;
  while (!signal.aborted) {
    let consumer: PullConsumer | undefined;
    try {
      known = await unlessAborted(sameStream(js, stream, known), signal);
      if (known === undefined) return;
      const end = follow ? Infinity : known.state.last_seq;
      if (from > end) return;
      consumer = await unlessAborted(PullConsumer.create(js, clock, { ...request, from }), signal, (late) => late.close());
      if (consumer === undefined) return;
      // The one replica there is has what the leader has: what does not match there matches nowhere.
      const isWhole = known.config.num_replicas === 1 && !follow;
      if (isWhole && consumer.hasNone) return;
      for (let step = await consumer.next(signal); step.kind !== 'lost'; step = await consumer.next(signal)) {
        if (step.kind === 'message') {
          [from, movedMs] = [step.sequence + 1, clock.monotonicMs()];
          yield step;
          if (step.sequence >= end || (isWhole && step.pending === 0)) return;
        } else if (step.position >= end) return;
        else if (!follow && isStuck()) break;
      }
    } catch (error) {
      const isOver = !(error instanceof Unavailable) || error instanceof StreamReplaced;
      const isBounded = !follow || known === undefined;
      if (isOver || (isBounded && isStuck())) throw error;
    } finally {
      consumer?.close();
    }
    if (!follow && isStuck()) throw new Unavailable('The lifecycle log went silent while it was read');
    await pause(clock, RETRY_MS, signal);
  }
}

class StreamReplaced extends Unavailable {}

/** As it was known first: a later stream of the same name has sequences that mean something else. */
async function sameStream(js: JetStream, stream: string, known: StreamInfo | undefined): Promise<StreamInfo> {
  const info = await js.streamInfo(stream);
  if (info === undefined) throw new Unavailable(`There is no stream ${stream}`);
  if (known !== undefined && info.created !== known.created) {
    throw new StreamReplaced(`The stream ${stream} was replaced by another: read it again from the start`);
  }
  return known ?? info;
}

/** Undefined as soon as it is aborted, for the server may be silent; what comes after that is let go of. */
function unlessAborted<T>(asked: Promise<T>, signal: AbortSignal, letGo: (late: T) => void = () => {}): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      resolve(undefined);
      void asked.then(letGo, () => {});
    };
    if (signal.aborted) {
      leave();
      return;
    }
    signal.addEventListener('abort', leave, { once: true });
    void asked.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clock.clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.setTimeout(done, delayMs);
    signal.addEventListener('abort', done, { once: true });
  });
}
