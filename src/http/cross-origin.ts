import type { IncomingMessage, ServerResponse } from 'node:http';

const EXPOSED = 'Location, Retry-After, Mayfly-Node, Mayfly-Node-Url, Mayfly-Expires-At';
const ALLOWED = 'Authorization, Content-Type, Accept, Mayfly-Tenant, Idempotency-Key, Last-Event-ID';
const PREFLIGHT_SECONDS = 600;

/** Lets pages of the configured origins read answers; without any, browsers keep them out. */
export function allowOrigin(request: IncomingMessage, response: ServerResponse, origins: readonly string[]): void {
  if (origins.length === 0) return;
  const origin = request.headers.origin;
  const any = origins.includes('*');
  if (!any) response.setHeader('vary', 'Origin');
  if (origin === undefined || !(any || origins.includes(origin))) return;
  response.setHeader('access-control-allow-origin', any ? '*' : origin);
  response.setHeader('access-control-expose-headers', EXPOSED);
}

/** Answers OPTIONS: what the path takes, and to a browser's preflight what a page may send. */
export function answerOptions(request: IncomingMessage, response: ServerResponse, methods: readonly string[]): void {
  response.setHeader('allow', methods.join(', '));
  if (response.hasHeader('access-control-allow-origin') && request.headers['access-control-request-method'] !== undefined) {
    response.setHeader('access-control-allow-methods', methods.join(', '));
    response.setHeader('access-control-allow-headers', ALLOWED);
    response.setHeader('access-control-max-age', String(PREFLIGHT_SECONDS));
  }
  response.writeHead(204).end();
}
