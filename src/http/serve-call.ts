import type { IncomingMessage, ServerResponse } from 'node:http';
import Negotiator from 'negotiator';
import { Forbidden, InvalidRequest, NotAcceptable } from '../domain/errors.ts';
import type { Tenant } from '../domain/tenant.ts';
import { codedStream, codedWhole } from './answer-coding.ts';
import { bindTenant } from './authentication.ts';
import { Connection, gather, wholeAnswer } from './connection.ts';
import type { IdempotencyStore, KeptAnswer, Turn } from './idempotency.ts';
import { destinationOf, forward } from './forward.ts';
import { PASSPORT_HEADER, tenantOfPassport } from '../node-passport.ts';
import type { Peer } from '../node-peers.ts';
import { mayRunAgain, problemOf } from './problem.ts';
import { RequestBody, checked } from './request-body.ts';
import type { Answer, Call, Route, RouteContext } from './route.ts';
import { headersOfCall } from './session-headers.ts';

export interface Arrival {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
}

type Plan = { readonly whole: KeptAnswer } | { readonly streamed: Extract<Answer, { stream: unknown }> };

/** One request from its head to the last byte of its answer; never rejects. */
export async function serveCall(route: Route, arrival: Arrival, context: RouteContext, store: IdempotencyStore, draining: AbortSignal): Promise<void> {
  const { request, response } = arrival;
  const { limits, metrics, ids, log } = context;
  const body = new RequestBody(request, limits.bodyMaxBytes, (count) => metrics.bytes('in', count));
  const connection = new Connection(request, response, context);
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  let tenant: Tenant | undefined;
  // Asked as the head is written, after the call: it may have moved the deadline.
  const about = (status: number) => headersOfCall(context, tenant, arrival.params, status);
  try {
    const vouched = forwardedTenant(request, context);
    tenant = vouched ?? (await bind(route, request, context));
    const call = admit(route, arrival, { tenant, forwarded: vouched !== undefined, body, signal: gone.signal, draining });
    const peer = await destination(route, call, arrival, context);
    if (peer !== undefined && context.peers !== undefined) {
      call.requireStreaming();
      const forwarded = { peer, tenant: call.tenant, request, signal: gone.signal, bodyComplete: () => body.complete };
      return await forward(forwarded, connection, context, context.peers);
    }
    const key = request.headers['idempotency-key'];
    const keyed = key !== undefined && route.access === 'tenant' && ['POST', 'PUT', 'PATCH'].includes(route.method);
    const plan = keyed ? await runKeyed(route, call, String(key), request, context, store) : planOf(await route.handle(call));
    if ('whole' in plan) await connection.sendWhole(await codedWhole(plan.whole, request), about(plan.whole.status), !body.complete);
    else await connection.sendStream(await codedStream(plan.streamed, request), about(plan.streamed.status));
  } catch (error) {
    // The client is gone: nobody is there to be told.
    if (connection.gone) return;
    const problem = problemOf(error, ids, log);
    await connection.sendWhole(problem, about(problem.status), !body.complete);
  }
}

/** The tenant of the call; undefined for calls that are about the node. @throws Unauthorized, Forbidden, NoTenantBinding, InvalidRequest */
async function bind(route: Route, request: IncomingMessage, { authenticator }: RouteContext): Promise<Tenant | undefined> {
  assertDecodable(request.url ?? '');
  if (route.access === 'open') return undefined;
  const named = request.headers['mayfly-tenant'];
  const caller = await authenticator.caller(request.headers.authorization);
  if (route.access === 'tenant') return bindTenant(caller, Array.isArray(named) ? named.join() : named);
  if (authenticator.tokensConfigured && !caller.operator) throw new Forbidden('This call needs a token with the operator role');
  return undefined;
}

type Admitted = Pick<Call, 'forwarded' | 'body' | 'signal' | 'draining'> & { readonly tenant: Tenant | undefined };

function admit(route: Route, { request, params, query }: Arrival, { tenant, ...admitted }: Admitted): Call {
  return {
    get tenant() {
      if (tenant === undefined) throw new Error('a route that is not bound to a tenant asked for one');
      return tenant;
    },
    params,
    query: checked(route.query, { ...(query as object) }, 'query'),
    headers: request.headers,
    ...admitted,
    negotiate: (supported) => negotiate(request, supported),
    requireStreaming() {
      if (request.httpVersionMajor === 1 && request.httpVersionMinor === 0) {
        throw new InvalidRequest('This answer streams, and HTTP/1.0 cannot tell a cut from an end: use HTTP/1.1 or later', { field: 'http_version' });
      }
    },
  };
}

/** The tenant of a call that another node admitted; undefined for one that comes from outside. */
function forwardedTenant(request: IncomingMessage, { peers, clock }: RouteContext): Tenant | undefined {
  const passport = request.headers[PASSPORT_HEADER];
  if (peers === undefined || typeof passport !== 'string') return undefined;
  return tenantOfPassport(peers.secret, passport, { method: request.method ?? '', path: request.url ?? '' }, clock.wallMs());
}

/** A call is passed on once at most: two nodes that think each other the owner must not play ball. */
async function destination(route: Route, call: Call, { params, request }: Arrival, { peers }: RouteContext): Promise<Peer | undefined> {
  if (peers === undefined || call.forwarded || route.access !== 'tenant') return undefined;
  return destinationOf(route, call.tenant, params, request, peers);
}

function assertDecodable(url: string): void {
  try {
    decodeURIComponent(url);
  } catch (error) {
    throw new InvalidRequest('The address holds a broken percent-encoding', { field: 'url' }, { cause: error });
  }
}

function negotiate<M extends string>(request: IncomingMessage, supported: readonly M[]): M {
  // An empty header asks for nothing in particular, as none does.
  const asking = request.headers.accept?.trim() === '' ? { headers: {} } : request;
  const best = new Negotiator(asking).mediaType([...supported]) as M | undefined;
  if (best === undefined) throw new NotAcceptable(`This call answers ${supported.join(' or ')}`, { supported });
  return best;
}

function planOf(answer: Answer): Plan {
  return 'stream' in answer ? { streamed: answer } : { whole: wholeAnswer(answer) };
}

/** Runs the call once for its key. What comes out is kept before it is sent: a cut answer can be asked for again. */
async function runKeyed(route: Route, call: Call, key: string, request: IncomingMessage, context: RouteContext, store: IdempotencyStore): Promise<Plan> {
  const hashBody = async (): Promise<string> => {
    await call.body.drain();
    return call.body.digest();
  };
  const turn = await store.begin(
    { tenant: call.tenant, key, target: `${route.method} ${request.url}\n${request.headers.accept ?? ''}` },
    hashBody,
    call.signal,
  );
  if (!('settle' in turn)) return { whole: turn };
  return runFirst(route, call, turn, hashBody, context);
}

async function runFirst(route: Route, call: Call, turn: Turn, hashBody: () => Promise<string>, { limits, ids, log }: RouteContext): Promise<Plan> {
  let plan: Plan;
  let failed = false;
  try {
    plan = await planKeyed(await route.handle(call), limits.idempotencyAnswerMaxBytes);
  } catch (error) {
    if (mayRunAgain(error)) {
      turn.settle({ kind: 'forget' });
      throw error;
    }
    failed = true;
    plan = { whole: problemOf(error, ids, log) };
  }
  // A refusal that left the body unread did nothing, so it binds nothing. A success without a hash matches no repeat.
  if (failed && !call.body.complete) turn.settle({ kind: 'forget' });
  else {
    const bodyHash = await hashBody().catch(() => '');
    const small = 'whole' in plan && plan.whole.body.byteLength <= limits.idempotencyAnswerMaxBytes && bodyHash !== '';
    turn.settle(small && 'whole' in plan ? { kind: 'kept', bodyHash, answer: plan.whole } : { kind: 'too_long', bodyHash });
  }
  return plan;
}

async function planKeyed(answer: Answer, maxBytes: number): Promise<Plan> {
  if (!('stream' in answer)) return { whole: wholeAnswer(answer) };
  const gathered = await gather(answer.stream, maxBytes);
  if ('whole' in gathered) return { whole: { status: answer.status, headers: answer.headers, body: gathered.whole } };
  return { streamed: { ...answer, stream: gathered.stream } };
}
