import { Unavailable } from '../domain/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { JetStream } from './jetstream.ts';
import { PullConsumer, type PulledMessage, type PullRequest } from './pull-consumer.ts';

/** A reader that is not a follower, or that never got hold of the stream, gives up after this long without a message. */
const STUCK_MS_MAX = 10_000;
const RETRY_MS = 250;

export interface ReadRequest extends PullRequest {
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/**
 * The messages of a stream that match, from a sequence on, each once and in order, from replay to live, through
 * reconnects and changes of leader. Ends when aborted; without `follow` at the last message that the leader had when
 * the end was reached (a consumer may stand on a replica that lags).
 * @throws Unavailable when the stream is out of reach, or was replaced under a follower
 */
export async function* readStream(js: JetStream, clock: Clock, request: ReadRequest): AsyncGenerator<PulledMessage> {
  const { stream, filter, follow, signal } = request;
  let from = Math.max(request.from, 1);
  let identity: string | undefined;
  let movedMs = clock.monotonicMs();
  const isStuck = (): boolean => clock.monotonicMs() - movedMs >= STUCK_MS_MAX;
  while (!signal.aborted) {
    let consumer: PullConsumer | undefined;
    try {
      if (follow) identity = await sameStream(js, stream, identity);
      consumer = await PullConsumer.create(js, clock, { ...request, from });
      for (let step = await consumer.next(signal); step !== 'lost'; step = await consumer.next(signal)) {
        if (step !== 'idle') {
          [from, movedMs] = [step.sequence + 1, clock.monotonicMs()];
          yield step;
        }
        if (follow || (step !== 'idle' && step.pending > 0)) continue;
        if ((await js.next(stream, filter, from)) === undefined) return;
        if (isStuck()) break;
      }
    } catch (error) {
      const isOver = !(error instanceof Unavailable) || error instanceof StreamReplaced;
      const isBounded = !follow || identity === undefined;
      if (isOver || (isBounded && isStuck())) throw error;
    } finally {
      consumer?.close();
    }
    if (!follow && isStuck()) throw new Unavailable('The lifecycle log went silent while it was read');
    await pause(clock, RETRY_MS, signal);
  }
}

class StreamReplaced extends Unavailable {}

/** Tells one stream from a later one of the same name, whose sequences mean something else. */
async function sameStream(js: JetStream, stream: string, identity: string | undefined): Promise<string> {
  const info = await js.streamInfo(stream);
  if (info === undefined) throw new Unavailable(`There is no stream ${stream}`);
  if (identity !== undefined && info.created !== identity) {
    throw new StreamReplaced(`The stream ${stream} was replaced by another: read it again from the start`);
  }
  return info.created;
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
