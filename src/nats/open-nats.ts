import { Unavailable } from '../domain/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Holder } from '../ports/lease-store.ts';
import type { LifecycleLog } from '../ports/lifecycle-log.ts';
import type { NodeBus } from '../ports/node-bus.ts';
import type { Outbox } from '../ports/outbox.ts';
import { NatsLink } from './connection.ts';
import { JetStream } from './jetstream.ts';
import { NatsLifecycleLog } from './lifecycle-log.ts';
import { NatsNodeBus } from './node-bus.ts';
import type { OnNotice } from './notice.ts';
import { OutboxReplay } from './outbox-replay.ts';
import { MessageSeal } from './signed-message.ts';
import { assertRetention, ensureStreams, tellOfOldServer } from './streams.ts';

/** A cluster of servers that was just started has no leader for a moment. */
const READY_MS_MAX = 15_000;
const RETRY_MS = 250;

export interface NatsOptions {
  /** `nats://` or `tls://`, each with a login of `user:password@` or `token@` where there is one. */
  readonly urls: readonly string[];
  /** Closed by whoever opened it, after this. */
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly holder: Holder;
  /** How long records and decisions are kept, in ms; null: for ever. */
  readonly retentionMs: number | null;
  /** Longest time from a session's opening to its last record, in ms: longest timeout and grace of the unreachable; null: no bound. */
  readonly pursuitMs: number | null;
  /** By which the nodes of one cluster know each other. */
  readonly secret: string;
  /** Told of what a person should know; must not throw. */
  readonly onNotice: OnNotice;
}

/** What a node of a cluster has from NATS. */
export interface NatsAdapters {
  readonly log: LifecycleLog;
  readonly bus: NodeBus;
  /** Whether the log can be asked now. */
  readonly isConnected: boolean;
  /**
   * Brings what the outbox still owes into the log; once before serving. It runs by itself after each reconnect.
   * @throws Unavailable when the log cannot be reached: it then runs after the next reconnect
   */
  replay(): Promise<void>;
  /** Ends followers and the connection, after the last record is in. */
  close(): Promise<void>;
}

/**
 * Connects, and makes or checks the streams.
 * @throws Unavailable when NATS cannot be reached or has no leader within 15 s
 * @throws InvalidRequest (`field`: `nats` or `retention`) for what would break a promise: no JetStream, a stream that differs
 */
export async function openNats(options: NatsOptions): Promise<NatsAdapters> {
  const { urls, outbox, clock, holder, onNotice, retentionMs } = options;
  const terms = { retentionMs, pursuitMs: options.pursuitMs, serversNamed: urls.length };
  assertRetention(terms);
  const link = await NatsLink.open({ urls, name: `mayfly ${holder.node}`, onNotice });
  const js = new JetStream(link, clock);
  const streamNow = async (): Promise<string> => (await ensureStreams(js, terms, onNotice)).created;
  try {
    await whenReady(clock, streamNow);
    tellOfOldServer(link, terms, onNotice);
  } catch (error) {
    await link.close();
    throw error;
  }
  const log = new NatsLifecycleLog({ js, outbox, clock });
  const bus = new NatsNodeBus(link, new MessageSeal(options.secret, () => clock.wallMs()));
  const replay = new OutboxReplay({ js, outbox, clock, onNotice, retentionMs, streamNow });
  link.onReconnected(() => replay.wake());
  return {
    log,
    bus,
    get isConnected() {
      return link.isConnected;
    },
    replay: () => replay.run(),
    close: async () => {
      const ended = Promise.all([log.close(), bus.close(), replay.close()]);
      // What still waits for an answer is told that there will be none.
      await link.close();
      await ended;
    },
  };
}

async function whenReady(clock: Clock, attempt: () => Promise<unknown>): Promise<void> {
  const untilMs = clock.monotonicMs() + READY_MS_MAX;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (!(error instanceof Unavailable) || clock.monotonicMs() >= untilMs) throw error;
    }
    await new Promise<void>((resolve) => clock.setTimeout(resolve, RETRY_MS));
  }
}
