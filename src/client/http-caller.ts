import { InvalidRequest, MayflyError, Unavailable } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';
import type { Tenant } from '../domain/tenant.ts';
import { CallScope } from './call-scope.ts';
import { DirectRoutes } from './direct-routes.ts';
import { gatherBody, type HttpBody, readableOf, settleBody } from './http-body.ts';
import { Exchange } from './http-exchange.ts';
import { errorOfResponse, retryAfterMs } from './http-problem.ts';

export interface HttpCallerOptions {
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string;
  /** The runtime's own by default. */
  readonly fetch?: typeof globalThis.fetch;
  /** Tries after the first one, of calls that may be repeated; 4 by default. */
  readonly retriesMax?: number;
  /** First pause between tries in ms, doubled each time; 100 by default. */
  readonly retryDelayMs?: number;
  /** Pauses of one call in all, in ms; 10,000 by default. A longer `Retry-After` is not waited for. */
  readonly retryWaitMaxMs?: number;
  /** Whether `fetch` can stream a request; true outside browsers. */
  readonly streamBodies?: boolean;
  /** Largest body gathered where it cannot, in bytes; 256 MiB by default. */
  readonly gatherMaxBytes?: number;
  /** Whether calls on a session go straight to its node where that can be reached, rather than through `url`; true by default. */
  readonly direct?: boolean;
  /** Headers of one request's own, such as what a node shows to another. */
  readonly headersOf?: (request: { readonly method: string; readonly path: string; readonly tenant: Tenant | undefined }) => Readonly<Record<string, string>>;
  /** In [0, 1): spreads the tries of many clients. */
  readonly random?: () => number;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** A fresh `Idempotency-Key`. */
  readonly newKey?: () => string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly tenant: Tenant | undefined;
  readonly query?: readonly (readonly [string, string])[];
  readonly accept?: string;
  readonly json?: unknown;
  readonly body?: { readonly type: string; readonly bytes: ByteStream };
  /** An `Idempotency-Key`: the call may then be repeated. */
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Requests to one node: typed errors, bounded retries of what may be repeated, streams both ways. */
export class HttpCaller {
  readonly #base: string;
  readonly #options: Required<HttpCallerOptions>;
  readonly #routes: DirectRoutes;
  readonly #underWay = new Set<CallScope>();
  #closed = false;

  constructor(url: string | URL, options: HttpCallerOptions = {}) {
    this.#base = baseOf(url);
    this.#options = {
      token: '',
      // Called on the global object: browsers refuse a detached `fetch`.
      fetch: (input, init) => globalThis.fetch(input, init),
      retriesMax: 4,
      retryDelayMs: 100,
      retryWaitMaxMs: 10_000,
      streamBodies: !('document' in globalThis || 'importScripts' in globalThis),
      gatherMaxBytes: 256 * 1024 * 1024,
      random: Math.random,
      sleep,
      newKey: freshKey,
      headersOf: () => ({}),
      direct: true,
      ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
    };
    this.#routes = new DirectRoutes(this.#base, { fetch: this.#options.fetch, nowMs: () => performance.now() });
  }

  newKey(): string {
    return this.#options.newKey();
  }

  /** Pause before try number `attempt` (from 1), in ms: doubled each time, spread by half. */
  backoffMs(attempt: number): number {
    return this.#options.retryDelayMs * 2 ** Math.min(attempt - 1, 5) * (0.5 + this.#options.random() / 2);
  }

  async pause(ms: number, signal?: AbortSignal): Promise<void> {
    const scope = this.#scope(signal);
    try {
      await this.#options.sleep(ms, scope.signal);
    } finally {
      this.#underWay.delete(scope);
      scope.end();
    }
  }

  /** A path of a `Location`, when it stays on this node's origin. */
  pathOf(location: string | null, otherwise: string): string {
    if (location === null) return otherwise;
    const at = new URL(location, `${this.#base}/`);
    const { origin } = new URL(this.#base);
    return at.origin === origin && at.href.startsWith(`${this.#base}/`) ? at.href.slice(this.#base.length) : otherwise;
  }

  /** Cuts every call under way; later ones are refused. */
  close(): void {
    this.#closed = true;
    for (const scope of this.#underWay) scope.cancel();
    this.#underWay.clear();
  }

  /** @throws a MayflyError for every answer but a success, `Unavailable` when no answer came */
  async call(request: HttpRequest): Promise<Exchange> {
    const body = await this.#body(request);
    const repeatable = !(body !== undefined && isStream(body)) && (request.method === 'GET' || request.method === 'DELETE' || request.key !== undefined);
    let waitedMs = 0;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#try(request, body);
      if (outcome instanceof Exchange) return outcome;
      const { error, afterMs = this.backoffMs(attempt) } = outcome;
      waitedMs += afterMs;
      const again = repeatable && mayHelp(error) && attempt <= this.#options.retriesMax && waitedMs <= this.#options.retryWaitMaxMs;
      if (!again || this.#closed || request.signal?.aborted === true) throw error;
      await this.pause(afterMs, request.signal);
    }
  }

  async #body(request: HttpRequest): Promise<HttpBody | undefined> {
    if (request.body === undefined) return request.json === undefined ? undefined : new TextEncoder().encode(JSON.stringify(request.json));
    const body = await settleBody(request.body.bytes);
    return isStream(body) && !this.#options.streamBodies ? gatherBody(body, this.#options.gatherMaxBytes) : body;
  }

  async #try(request: HttpRequest, body: HttpBody | undefined): Promise<Exchange | { error: MayflyError; afterMs?: number }> {
    if (this.#closed) throw new Unavailable('This client is closed: connect again');
    const scope = this.#scope(request.signal);
    const done = (): void => void this.#underWay.delete(scope);
    const base = this.#options.direct ? this.#routes.baseFor(request.path) : this.#base;
    try {
      const response = await this.#options.fetch(base + request.path + queryText(request.query), this.#init(request, body, scope.signal));
      if (this.#options.direct) this.#routes.learn(request.path, response.headers);
      if (response.ok) return new Exchange(response, scope, done);
      const afterMs = retryAfterMs(response, Date.now());
      const error = await errorOfResponse(response);
      done();
      scope.end();
      return { error, ...(afterMs === undefined ? {} : { afterMs }) };
    } catch (cause) {
      done();
      scope.end();
      if (cause instanceof MayflyError) throw cause;
      const detail = this.#closed ? 'This client is closed: connect again' : `No answer from ${base}: is the node up and reachable?`;
      const error = new Unavailable(detail, {}, { cause });
      // Through the way in at once: another node may know what became of this one.
      return this.#routes.lost(base) ? { error, afterMs: 0 } : { error };
    }
  }

  #init(request: HttpRequest, body: HttpBody | undefined, signal: AbortSignal): RequestInit {
    const { method, tenant } = request;
    const path = request.path + queryText(request.query);
    // Left to itself the `fetch` of Node asks for gzip, which is slower than most networks. Browsers keep their own mind.
    const headers: Record<string, string> = {
      accept: request.accept ?? 'application/json',
      'accept-encoding': 'identity',
      ...this.#options.headersOf({ method, path, tenant }),
    };
    if (request.tenant !== undefined) headers['mayfly-tenant'] = request.tenant;
    if (this.#options.token !== '') headers['authorization'] = `Bearer ${this.#options.token}`;
    if (request.key !== undefined) headers['idempotency-key'] = request.key;
    if (body === undefined) return { method: request.method, headers, signal };
    headers['content-type'] = request.body?.type ?? 'application/json';
    const sent = isStream(body) ? readableOf(body) : body;
    return { method: request.method, headers, signal, body: sent, duplex: 'half' } as RequestInit;
  }

  #scope(signal: AbortSignal | undefined): CallScope {
    const scope = new CallScope(signal);
    this.#underWay.add(scope);
    return scope;
  }
}

/** A partial deletion is retried by the node itself: the caller hears of it at once and may close again. */
function mayHelp(error: MayflyError): boolean {
  return error.retryable && error.code !== 'partial_deletion_failure';
}

function isStream(body: HttpBody): body is ByteStream {
  return !(body instanceof Uint8Array);
}

function baseOf(url: string | URL): string {
  let at: URL;
  try {
    at = new URL(url);
  } catch (cause) {
    throw new InvalidRequest(`"${String(url)}" is not a URL: give one such as http://127.0.0.1:7464`, { field: 'url' }, { cause });
  }
  if (at.protocol !== 'http:' && at.protocol !== 'https:') throw new InvalidRequest(`"${String(url)}" is not an http or https URL`, { field: 'url' });
  return at.origin + at.pathname.replace(/\/+$/, '');
}

function queryText(query: HttpRequest['query']): string {
  if (query === undefined || query.length === 0) return '';
  return `?${query.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join('&')}`;
}

/** `crypto.randomUUID` is missing in pages that are not served over https. */
function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    if (signal.aborted) wake();
    else signal.addEventListener('abort', wake, { once: true });
  });
}
