import type { Gateway, SessionStanding } from '../domain/gateway.ts';
import type { IdSource, SessionId } from '../domain/ids.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Authenticator } from './authentication.ts';
import type { Peers } from '../node-peers.ts';

/** Every bound of the HTTP surface. */
export interface HttpLimits {
  /** Arrow bodies and other streamed rows. */
  readonly bodyMaxBytes: number;
  /** JSON bodies that are read whole before the call begins. */
  readonly jsonBodyMaxBytes: number;
  readonly headerMaxBytes: number;
  readonly headersTimeoutMs: number;
  /** A whole request, its body included. */
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly connectionsMax: number;
  /** A DELETE that takes longer answers 202. */
  readonly closeAnswerMs: number;
  /** Between two comments of an idle event stream. */
  readonly followKeepAliveMs: number;
  /** What is still read of a refused body, so that its sender sees the answer. */
  readonly lingerMaxBytes: number;
  readonly lingerMs: number;
  readonly idempotencyKeysMax: number;
  readonly idempotencyAgeMs: number;
  /** Largest answer kept for a key. */
  readonly idempotencyAnswerMaxBytes: number;
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  bodyMaxBytes: 4 * 1024 ** 3,
  jsonBodyMaxBytes: 1024 ** 2,
  headerMaxBytes: 16 * 1024,
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 30 * 60_000,
  keepAliveTimeoutMs: 65_000,
  connectionsMax: 4_096,
  closeAnswerMs: 30_000,
  followKeepAliveMs: 15_000,
  lingerMaxBytes: 8 * 1024 ** 2,
  lingerMs: 1_000,
  idempotencyKeysMax: 2_048,
  idempotencyAgeMs: 10 * 60_000,
  idempotencyAnswerMaxBytes: 64 * 1024,
};

interface NodeStatus {
  readonly live: boolean;
  readonly ready: boolean;
  /** Why it is not ready: starting, fenced, draining. */
  readonly reason?: string;
}

export interface HttpServerOptions {
  readonly gateway: Gateway;
  /** Who serves a session and until when, for the heads of answers; asked often, so it asks nobody in turn. */
  readonly standing: (tenant: Tenant, session: SessionId) => SessionStanding | undefined;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly authenticator: Authenticator;
  readonly limits?: Partial<HttpLimits>;
  /** Web origins that may call; `*` for any; none: no cross-origin use. */
  readonly corsOrigin?: readonly string[];
  /** Allows a non-loopback address without tokens. */
  readonly insecure: boolean;
  readonly nodeId: string;
  readonly status: () => NodeStatus;
  /** The other nodes, where calls for their sessions go; absent on a node of its own. */
  readonly peers?: Peers;
  /** Where clients reach this node itself, once that is known. */
  readonly ownUrl?: () => string | undefined;
  /** The cluster view, as JSON. */
  readonly nodes: () => Promise<readonly object[]>;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'bytes' | 'httpRequest'> & { render(): Promise<{ contentType: string; text: string }> };
}

export interface HttpServer {
  readonly url: string;
  readonly port: number;
  /** Stops listening, ends followers, gives calls under way `drainMs`, then cuts them. */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}
