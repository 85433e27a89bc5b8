import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { fastify } from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { InvalidRequest, MethodNotAllowed, NotFound } from '../domain/errors.ts';
import { assertSafeBinding } from './authentication.ts';
import { Connection } from './connection.ts';
import { allowOrigin, answerOptions } from './cross-origin.ts';
import { IdempotencyStore } from './idempotency.ts';
import { DEFAULT_HTTP_LIMITS } from './options.ts';
import type { HttpServer, HttpServerOptions } from './options.ts';
import { problemOf } from './problem.ts';
import { RequestBody } from './request-body.ts';
import type { Route, RouteContext } from './route.ts';
import { consoleRoutes } from './routes/console.ts';
import { lifecycleRoutes } from './routes/lifecycle.ts';
import { nodeRoutes } from './routes/node.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { sqlRoutes } from './routes/sql.ts';
import { tableRoutes } from './routes/tables.ts';
import { serveCall } from './serve-call.ts';

export type { HttpLimits, HttpServer, HttpServerOptions } from './options.ts';

const PARAMETER_MAX_CHARS = 1_024;
const DEFAULT_DRAIN_MS = 20_000;

/**
 * Serves a gateway over HTTP; resolves when it listens.
 * @throws InvalidRequest for an address beyond loopback without tokens and without `insecure`
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  assertSafeBinding(options.host, options.authenticator.tokensConfigured, options.insecure);
  const context: RouteContext = { ...options, limits: { ...DEFAULT_HTTP_LIMITS, ...options.limits } };
  const routes = routesOf(context);
  const draining = new AbortController();
  const app = createApp(context);
  const store = new IdempotencyStore(context.clock, context.limits);
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path,
      async handler(request: FastifyRequest, reply: FastifyReply) {
        reply.hijack();
        const params = request.params as Record<string, string>;
        await serveCall(route, { request: request.raw, response: reply.raw, params, query: request.query }, context, store, draining.signal);
      },
    });
  }
  app.setNotFoundHandler(async (request, reply) => {
    reply.hijack();
    await answerUnrouted(request.raw, reply.raw, routes, context);
  });
  app.addHook('onRequest', async (request, reply) => {
    allowOrigin(request.raw, reply.raw, context.corsOrigin ?? []);
    observe(request, reply.raw, app, context, draining.signal);
  });
  await app.listen({ host: options.host, port: options.port });
  const { port } = app.server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return { url: `http://${host}:${port}`, port, close: (closing = {}) => closeApp(app, draining, context, closing.drainMs ?? DEFAULT_DRAIN_MS) };
}

/** Every row of the contract; also what the OpenAPI document is made of. */
function routesOf(context: RouteContext): readonly Route[] {
  const routes: readonly Route[] = [
    ...sessionRoutes(context),
    ...tableRoutes(context),
    ...sqlRoutes(context),
    ...lifecycleRoutes(context),
    ...consoleRoutes(),
    ...nodeRoutes(context, () => routes),
  ];
  return routes;
}

function createApp(context: RouteContext): FastifyInstance {
  const { limits, log } = context;
  const busy = new WeakMap<object, number>();
  const app = fastify({
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    http: { maxHeaderSize: limits.headerMaxBytes, headersTimeout: limits.headersTimeoutMs },
    routerOptions: { maxParamLength: PARAMETER_MAX_CHARS },
    frameworkErrors(error, request, reply) {
      reply.hijack();
      void refuse(request.raw, reply.raw, new InvalidRequest('The address is not valid', { field: 'url' }, { cause: error }), context);
    },
    clientErrorHandler(error, socket) {
      refuseGarbage(error, socket, (busy.get(socket) ?? 0) > 0, context);
    },
  });
  app.server.maxConnections = limits.connectionsMax;
  app.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    busy.set(request.socket, (busy.get(request.socket) ?? 0) + 1);
    response.once('close', () => busy.set(request.socket, (busy.get(request.socket) ?? 1) - 1));
  });
  // Bodies are streams for the routes to read; nothing is parsed before a call was admitted.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.setErrorHandler(async (error, request, reply) => {
    log.debug({ err: error }, 'a request was refused before its route');
    reply.hijack();
    await refuse(request.raw, reply.raw, new InvalidRequest('The head of the request is not valid', { field: 'headers' }, { cause: error }), context);
  });
  return app;
}

async function refuse(request: IncomingMessage, response: ServerResponse, error: Error, context: RouteContext): Promise<void> {
  const body = new RequestBody(request, context.limits.bodyMaxBytes, () => undefined);
  await new Connection(request, response, context).sendWhole(problemOf(error, context.ids, context.log), {}, !body.complete);
}

/** Bytes that are no HTTP. With an answer under way on the connection anything written would corrupt it: cut instead (I8). */
function refuseGarbage(error: NodeJS.ErrnoException, socket: Socket, answering: boolean, { ids, log, limits }: RouteContext): void {
  if (error.code === 'ECONNRESET' || answering || !socket.writable) {
    socket.destroy();
    return;
  }
  const reason = error.code === 'HPE_HEADER_OVERFLOW' ? `The headers are larger than ${limits.headerMaxBytes} bytes` : 'This is not a valid HTTP request';
  const { status, headers, body } = problemOf(new InvalidRequest(reason, { field: 'headers' }), ids, log);
  const lines = Object.entries({ ...headers, 'content-length': body.byteLength, connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Bad Request\r\n${lines.join('')}\r\n`), body]));
}

async function answerUnrouted(request: IncomingMessage, response: ServerResponse, routes: readonly Route[], context: RouteContext): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const methods = new Set(routes.filter((route) => matches(route.path, path)).map((route): string => route.method));
  if (methods.has('GET')) methods.add('HEAD');
  const allow = [...methods, 'OPTIONS'];
  if (methods.size === 0) return refuse(request, response, new NotFound(`There is nothing at ${path}; /openapi.json lists what there is`), context);
  if (request.method === 'OPTIONS') return answerOptions(request, response, allow);
  return refuse(request, response, new MethodNotAllowed(`${path} takes ${allow.join(', ')}`, { allow }), context);
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  return wanted.length === given.length && wanted.every((part, index) => (part.startsWith(':') ? given[index] !== '' : part === given[index]));
}

function observe(request: FastifyRequest, response: ServerResponse, app: FastifyInstance, { clock, metrics }: RouteContext, draining: AbortSignal): void {
  const startedMs = clock.monotonicMs();
  const route = request.routeOptions.url ?? 'unrouted';
  response.once('close', () => {
    metrics.httpRequest(route, request.method, response.statusCode, (clock.monotonicMs() - startedMs) / 1_000);
    // A connection kept alive would hold up the end of the server until its timeout.
    if (draining.aborted) setImmediate(() => app.server.closeIdleConnections());
  });
}

async function closeApp(app: FastifyInstance, draining: AbortController, { clock, log }: RouteContext, drainMs: number): Promise<void> {
  draining.abort();
  const timer = clock.setTimeout(() => {
    log.warn({ drain_ms: drainMs }, 'calls were still under way when the drain ended: their connections are cut');
    app.server.closeAllConnections();
  }, drainMs);
  try {
    await app.close();
  } finally {
    clock.clearTimeout(timer);
  }
}
