import { InvalidRequest, MayflyError, UnknownSession } from '../../domain/errors.ts';
import type { ExtendSessionRequest, OpenSessionRequest, SessionFilter } from '../../domain/gateway.ts';
import { asSessionId } from '../../domain/ids.ts';
import type { SessionId } from '../../domain/ids.ts';
import { JSON_TYPE } from '../route.ts';
import type { Answer, Call, Route, RouteContext } from '../route.ts';
import * as schemas from '../schemas.ts';
import { sessionHeaders } from '../session-headers.ts';

/** @throws UnknownSession for what can be no session's id: to its caller there is no difference */
export function sessionIdOf(call: Call): SessionId {
  const id = asSessionId(call.params['session'] ?? '');
  if (id === undefined) throw new UnknownSession('There is no such session: a session id is a UUID, version 4', { session_id: call.params['session'] });
  return id;
}

function labelsOf(query: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> | undefined {
  const given = query['label'];
  if (given === undefined) return undefined;
  const labels = new Map<string, string>();
  for (const each of [given].flat() as string[]) {
    const colon = each.indexOf(':');
    const key = each.slice(0, colon);
    if (labels.has(key))
      throw new InvalidRequest(`The label "${key}" is asked for twice: all filters hold together, and a session has one value of it`, { field: 'label' });
    labels.set(key, each.slice(colon + 1));
  }
  return Object.fromEntries(labels);
}

/** A node that asks wants only what this one holds itself. */
function filterOf({ query: { state, limit, cursor, label }, forwarded }: Call): SessionFilter {
  const labels = labelsOf({ label });
  const here = forwarded ? true : undefined;
  return Object.fromEntries(Object.entries({ state, limit, cursor, labels, here }).filter(([, value]) => value !== undefined));
}

const SESSION = '/v1/sessions/:session';
const ok = (schema: Route['answers'][number][string]): Route['answers'] => ({ 200: { [JSON_TYPE]: schema } });

export function sessionRoutes(context: RouteContext): readonly Route[] {
  return [...collectionRoutes(context), ...memberRoutes(context), closeRoute(context)];
}

function collectionRoutes({ gateway, limits, ownUrl }: RouteContext): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/sessions',
      summary: 'Open a session',
      access: 'tenant',
      query: schemas.emptyQuery,
      body: { [JSON_TYPE]: schemas.openSessionBody },
      answers: { 201: { [JSON_TYPE]: schemas.session } },
      async handle(call) {
        const body = (await call.body.json(schemas.openSessionBody, limits.jsonBodyMaxBytes)) as OpenSessionRequest;
        const session = await gateway.openSession(call.tenant, body, { signal: call.signal });
        return { status: 201, headers: { ...sessionHeaders(session, { ownUrl }), location: `/v1/sessions/${session.session_id}` }, json: session };
      },
    },
    {
      method: 'GET',
      path: '/v1/sessions',
      summary: 'List live and recently ended sessions',
      access: 'tenant',
      query: schemas.listQuery,
      answers: ok(schemas.sessionPage),
      handle: async (call) => ({ status: 200, json: await gateway.listSessions(call.tenant, filterOf(call)) }),
    },
    {
      method: 'DELETE',
      path: '/v1/sessions',
      summary: 'Close every session that matches',
      access: 'tenant',
      query: schemas.bulkCloseQuery,
      answers: ok(schemas.closedSessions),
      async handle(call) {
        if (Object.keys(call.query).length === 0) throw new InvalidRequest('Name what to close: ?label=key:value', { field: 'label' });
        return { status: 200, json: await gateway.closeSessions(call.tenant, filterOf(call)) };
      },
    },
  ];
}

function memberRoutes({ gateway, limits }: RouteContext): readonly Route[] {
  return [
    {
      method: 'GET',
      path: SESSION,
      summary: 'Describe a session and its tables',
      access: 'tenant',
      query: schemas.emptyQuery,
      answers: ok(schemas.sessionDetails),
      handle: async (call) => ({ status: 200, json: await gateway.describeSession(call.tenant, sessionIdOf(call)) }),
    },
    {
      method: 'PATCH',
      path: SESSION,
      summary: 'Change how long a session lives',
      access: 'tenant',
      query: schemas.emptyQuery,
      body: { [JSON_TYPE]: schemas.extendSessionBody },
      answers: ok(schemas.session),
      async handle(call) {
        const body = (await call.body.json(schemas.extendSessionBody, limits.jsonBodyMaxBytes)) as ExtendSessionRequest;
        return { status: 200, json: await gateway.extendSession(call.tenant, sessionIdOf(call), body) };
      },
    },
    {
      method: 'POST',
      path: `${SESSION}/touch`,
      summary: 'Push the idle deadline',
      access: 'tenant',
      query: schemas.emptyQuery,
      answers: ok(schemas.session),
      async handle(call) {
        await call.body.json(schemas.emptyBody, limits.jsonBodyMaxBytes);
        return { status: 200, json: await gateway.touchSession(call.tenant, sessionIdOf(call)) };
      },
    },
    {
      method: 'POST',
      path: `${SESSION}/cancel`,
      summary: 'Interrupt the running statement',
      access: 'tenant',
      query: schemas.emptyQuery,
      answers: { 202: { [JSON_TYPE]: schemas.accepted } },
      async handle(call) {
        await call.body.json(schemas.emptyBody, limits.jsonBodyMaxBytes);
        await gateway.cancelStatement(call.tenant, sessionIdOf(call));
        return { status: 202, json: { cancelled: true } };
      },
    },
  ];
}

function closeRoute({ gateway, limits, clock, log }: RouteContext): Route {
  return {
    method: 'DELETE',
    path: SESSION,
    summary: 'Close a session; answers its terminal record',
    access: 'tenant',
    query: schemas.closeQuery,
    answers: { 200: { [JSON_TYPE]: schemas.record }, 202: { [JSON_TYPE]: schemas.closingSession } },
    async handle(call): Promise<Answer> {
      const session = sessionIdOf(call);
      const reason = call.query['reason'] === 'disposed' ? 'disposed' : 'close';
      const closing = gateway.closeSession(call.tenant, session, call.query['as'] === 'timed_out' ? 'forced' : reason);
      let timer: unknown;
      const late = new Promise<undefined>((resolve) => (timer = clock.setTimeout(() => resolve(undefined), limits.closeAnswerMs)));
      try {
        const record = await Promise.race([closing, late]);
        if (record !== undefined) return { status: 200, json: record };
      } finally {
        clock.clearTimeout(timer);
      }
      closing.catch((error: unknown) => {
        log.warn({ session, code: error instanceof MayflyError ? error.code : 'internal' }, 'a close that was answered with 202 failed');
      });
      return { status: 202, headers: { location: `/v1/sessions/${session}` }, json: { session_id: session, state: 'closing' } };
    },
  };
}
