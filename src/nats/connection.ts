import { connect, ErrorCode, Events, NatsError, type Msg, type MsgHdrs, type NatsConnection, type Subscription } from 'nats';
import { Unavailable, type MayflyError } from '../domain/errors.ts';
import type { OnNotice } from './notice.ts';

/** A dead server is noticed within three pings; a dead connection is tried again without end. */
const PING_MS = 2_000;
const PINGS_OUT_MAX = 2;
const RECONNECT_MS = 250;
const DIAL_MS_MAX = 2_000;

export interface LinkOptions {
  readonly urls: readonly string[];
  /** Shown by the server among its connections. */
  readonly name: string;
  readonly onNotice: OnNotice;
}

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly headers?: MsgHdrs;
}

/** What the server at the other end said of itself. */
interface ServerFacts {
  readonly version: string;
  readonly hasJetStream: boolean;
  readonly isClustered: boolean;
  /** Servers of its cluster that it knows, itself included. */
  readonly peers: number;
}

/**
 * One connection to a NATS cluster that never gives up. While it is cut nothing is sent: what the client would buffer
 * lands later, or never, and nobody would know.
 */
export class NatsLink {
  readonly #connection: NatsConnection;
  readonly #onNotice: OnNotice;
  readonly #waiting = new Set<(reason: MayflyError) => void>();
  readonly #reconnected = new Set<() => void>();
  #connected = true;

  private constructor(connection: NatsConnection, onNotice: OnNotice) {
    this.#connection = connection;
    this.#onNotice = onNotice;
    void this.#watch();
  }

  /** @throws Unavailable when none of the servers answers within 2 s */
  static async open({ urls, name, onNotice }: LinkOptions): Promise<NatsLink> {
    const servers = urls.map((url) => new URL(url));
    try {
      const connection = await connect({
        servers: servers.map(({ host, port, hostname }) => (port === '' ? `${hostname}:4222` : host)),
        name,
        pingInterval: PING_MS,
        maxPingOut: PINGS_OUT_MAX,
        reconnectTimeWait: RECONNECT_MS,
        maxReconnectAttempts: -1,
        timeout: DIAL_MS_MAX,
        noAsyncTraces: true,
        // A server that refuses a login while it restarts does not end the node.
        ignoreAuthErrorAbort: true,
        ...loginOf(servers),
        ...(servers.some(({ protocol }) => protocol === 'tls:') ? { tls: {} } : {}),
      });
      return new NatsLink(connection, onNotice);
    } catch (cause) {
      throw new Unavailable(`No NATS server answers at ${servers.map(({ host }) => host).join(', ')}: ${wordsOf(cause)}`, {}, { cause });
    }
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  get server(): ServerFacts {
    const { version = '0.0.0', cluster = '', connect_urls: urls = [], jetstream = false } = this.#connection.info ?? {};
    return { version, hasJetStream: jetstream, isClustered: cluster !== '', peers: Math.max(urls.length, 1) };
  }

  /** Called after each reconnect. */
  onReconnected(run: () => void): void {
    this.#reconnected.add(run);
  }

  /** @throws Unavailable at once while it is cut or when it is cut meanwhile, after `timeoutMs`, and when nobody listens there */
  async request(subject: string, body: string | Uint8Array, { timeoutMs, headers }: RequestOptions): Promise<Msg> {
    this.assertConnected();
    let cut: ((reason: MayflyError) => void) | undefined;
    const isCut = new Promise<never>((_resolve, reject) => this.#waiting.add((cut = reject)));
    try {
      return await Promise.race([this.#connection.request(subject, body, { timeout: timeoutMs, ...(headers === undefined ? {} : { headers }) }), isCut]);
    } catch (error) {
      throw asUnavailable(error);
    } finally {
      if (cut !== undefined) this.#waiting.delete(cut);
    }
  }

  /** @throws Unavailable while it is cut */
  publish(subject: string, body: string | Uint8Array, options: { readonly reply?: string; readonly headers?: MsgHdrs } = {}): void {
    this.assertConnected();
    this.#connection.publish(subject, body, options);
  }

  /** Lives on through reconnects. */
  subscribe(subject: string, heed: (message: Msg) => void): Subscription {
    return this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) heed(message);
      },
    });
  }

  /** Resolves when the server has taken in all that was sent so far. @throws Unavailable */
  async flush(): Promise<void> {
    this.assertConnected();
    await this.#connection.flush().catch((error: unknown) => {
      throw asUnavailable(error);
    });
  }

  assertConnected(): void {
    if (!this.#connected) throw new Unavailable('The connection to NATS is cut; it is tried again');
  }

  async close(): Promise<void> {
    this.#cut();
    await this.#connection.close();
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === Events.Disconnect && this.#connected) {
        this.#cut();
        this.#onNotice({ kind: 'nats_disconnected', detail: 'The connection to NATS is cut; it is tried again', fields: {} });
      } else if (type === Events.Reconnect) {
        this.#connected = true;
        this.#onNotice({ kind: 'nats_connected', detail: 'The connection to NATS is back', fields: { server: this.#connection.getServer() } });
        for (const run of this.#reconnected) run();
      }
    }
  }

  #cut(): void {
    this.#connected = false;
    const reason = new Unavailable('The connection to NATS was cut');
    for (const reject of this.#waiting) reject(reason);
  }
}

/** `nats://user:password@host` or `nats://token@host`: one login for all servers, as one cluster has. */
function loginOf(servers: readonly URL[]): { readonly user?: string; readonly pass?: string; readonly token?: string } {
  const known = servers.find(({ username }) => username !== '');
  if (known === undefined) return {};
  const user = decodeURIComponent(known.username);
  return known.password === '' ? { token: user } : { user, pass: decodeURIComponent(known.password) };
}

function asUnavailable(error: unknown): MayflyError {
  if (error instanceof Unavailable) return error;
  const isSilent = error instanceof NatsError && error.code === (ErrorCode.NoResponders as string);
  return new Unavailable(
    isSilent ? 'Nobody answers on NATS: the stream has no leader, or is gone' : `NATS did not answer: ${wordsOf(error)}`,
    {},
    { cause: error },
  );
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
