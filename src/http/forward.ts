import * as http from 'node:http';
import * as https from 'node:https';
import type { IncomingMessage } from 'node:http';
import { Unavailable } from '../domain/errors.ts';
import { asSessionId } from '../domain/ids.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Clock } from '../ports/clock.ts';
import type { Connection } from './connection.ts';
import { passportHeaders } from '../node-passport.ts';
import type { Peer, Peers } from '../node-peers.ts';
import type { Route, RouteContext } from './route.ts';

/** Meant for one connection, or for this node alone. */
const NOT_PASSED_ON = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'host',
  'authorization',
]);
const CONNECT_TIMEOUT_MS = 1_000;
/** How often a node whose answer is under way is checked for being in the cluster still. */
const LIVE_CHECK_MS = 500;
const IDLE_CONNECTIONS_MAX = 256;

const agents = {
  'http:': new http.Agent({ keepAlive: true, maxFreeSockets: IDLE_CONNECTIONS_MAX, scheduling: 'lifo' }),
  'https:': new https.Agent({ keepAlive: true, maxFreeSockets: IDLE_CONNECTIONS_MAX, scheduling: 'lifo' }),
} as const;

/** The other node a call belongs to; undefined: this one. */
export async function destinationOf(
  route: Route,
  tenant: Tenant,
  params: Readonly<Record<string, string>>,
  request: IncomingMessage,
  peers: Peers,
): Promise<Peer | undefined> {
  if (route.path.startsWith('/v1/sessions/:session')) {
    const session = asSessionId(params['session'] ?? '');
    return session === undefined ? undefined : peers.ownerOf(tenant, session);
  }
  if (route.path !== '/v1/sessions' || route.method !== 'POST') return undefined;
  const key = request.headers['idempotency-key'];
  return peers.placeOf(key === undefined ? undefined : String(key));
}

export interface Forwarded {
  readonly peer: Peer;
  readonly tenant: Tenant;
  readonly request: IncomingMessage;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  readonly bodyComplete: () => boolean;
}

/**
 * Streams a call through to another node and its answer back, byte for byte and with backpressure both ways.
 * @throws Unavailable when no answer came; an answer that is cut later cuts this one too (I8)
 */
export async function forward(call: Forwarded, connection: Connection, context: RouteContext, peers: Peers): Promise<void> {
  const answer = await answerOf(call, context, peers);
  const headers = passedOn(answer.headers);
  const isLate = !call.bodyComplete();
  const status = answer.statusCode ?? 502;
  const stream = whole(answer, call.peer, context, peers);
  // The other node's own head already says whose session it is.
  await connection.sendStream(
    { status, headers: isLate ? { ...headers, connection: 'close' } : headers, stream, eager: false },
    {},
    () => isLate && !call.bodyComplete(),
  );
}

async function* whole(answer: IncomingMessage, peer: Peer, { clock }: RouteContext, peers: Peers): AsyncGenerator<Uint8Array, void, void> {
  const { node } = peer.holder;
  const letGo = watchLife(peer, peers, clock, (why) => answer.destroy(why));
  try {
    for await (const chunk of answer) yield chunk as Buffer;
  } catch (cause) {
    throw new Unavailable(`The node ${node} was cut off in the middle of its answer`, { node_id: node }, { cause });
  } finally {
    letGo();
  }
}

/** A node that is paused, or cut off, keeps its connections and says nothing on them. @returns how to look no more */
function watchLife(peer: Peer, peers: Peers, clock: Clock, onGone: (why: Error) => void): () => void {
  let timer: unknown;
  const check = (): void => {
    if (peers.isLive(peer)) timer = clock.setTimeout(check, LIVE_CHECK_MS);
    else onGone(new Error('the node left the cluster'));
  };
  timer = clock.setTimeout(check, LIVE_CHECK_MS);
  return () => clock.clearTimeout(timer);
}

async function answerOf(call: Forwarded, context: RouteContext, peers: Peers): Promise<IncomingMessage> {
  const mayRepeat = call.request.method === 'GET' || call.request.method === 'HEAD' || call.request.method === 'DELETE';
  for (let tries = 1; ; tries += 1) {
    const outgoing = send(call, context, peers);
    try {
      return await awaitAnswer(outgoing, call, context, peers);
    } catch (cause) {
      outgoing.destroy();
      // The other side let go of an idle connection just as it was taken up: nothing was begun.
      if (mayRepeat && outgoing.reusedSocket && tries === 1 && !call.signal.aborted) continue;
      const isOurs = call.signal.aborted || call.request.errored !== null;
      if (!isOurs) peers.suspect(call.peer);
      throw new Unavailable(
        `The node ${call.peer.holder.node}, whose session it is, does not answer; try again`,
        { node_id: call.peer.holder.node },
        { cause },
      );
    }
  }
}

function send({ peer, tenant, request, signal }: Forwarded, { clock }: RouteContext, { secret }: Peers): http.ClientRequest {
  const url = new URL(request.url ?? '/', peer.url);
  const { request: open } = url.protocol === 'https:' ? https : http;
  const method = request.method ?? 'GET';
  const passport = passportHeaders(secret, { method, path: url.pathname + url.search, tenant }, clock.wallMs());
  const outgoing = open(url, {
    method,
    agent: agents[url.protocol as keyof typeof agents],
    headers: { ...passedOn(request.headers), ...passport },
    signal,
  });
  void pump(request, outgoing);
  return outgoing;
}

/** A failure to send shows as the failure of the answer; what the other node did not want to read is left unread. */
async function pump(request: IncomingMessage, outgoing: http.ClientRequest): Promise<void> {
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      if (outgoing.destroyed) return;
      if (!outgoing.write(chunk)) await drained(outgoing);
    }
    if (request.complete) outgoing.end();
    else outgoing.destroy(new Error('the body was cut off before its end'));
  } catch (error) {
    outgoing.destroy(error instanceof Error ? error : undefined);
  }
}

function drained(outgoing: http.ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off('drain', done).off('close', done);
      resolve();
    };
    outgoing.once('drain', done).once('close', done);
  });
}

/** A node that is paused takes connections and never answers: it is waited for as long as it is in the cluster. */
function awaitAnswer(outgoing: http.ClientRequest, { peer }: Forwarded, { clock }: RouteContext, peers: Peers): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const connecting = clock.setTimeout(() => outgoing.destroy(new Error('the node took no connection')), CONNECT_TIMEOUT_MS);
    let letGo = (): void => clock.clearTimeout(connecting);
    const settle = (run: () => void): void => {
      letGo();
      run();
    };
    outgoing.once('socket', (socket) => {
      if (outgoing.destroyed) return;
      const connected = (): void => settle(() => (letGo = watchLife(peer, peers, clock, (why) => outgoing.destroy(why))));
      if (socket.connecting) socket.once('connect', connected);
      else connected();
    });
    outgoing.once('response', (answer) => settle(() => resolve(answer)));
    outgoing.on('error', (error) => settle(() => reject(error)));
  });
}

function passedOn(headers: http.IncomingHttpHeaders): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !NOT_PASSED_ON.has(name)) kept[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return kept;
}
