import { InvalidRequest } from '../../domain/errors.ts';
import type { QueryRequest } from '../../domain/gateway.ts';
import { ROW_MEDIA_TYPES, ROW_TYPES, rowFormatOf } from '../../domain/row-format.ts';
import { JSON_TYPE } from '../route.ts';
import type { Route, RouteContext } from '../route.ts';
import * as schemas from '../schemas.ts';
import { sessionIdOf } from './sessions.ts';

export function sqlRoutes({ gateway, limits }: RouteContext): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/sessions/:session/sql',
      summary: 'Run one statement',
      access: 'tenant',
      query: schemas.emptyQuery,
      body: { [JSON_TYPE]: schemas.queryBody },
      answers: { 200: { ...schemas.anyRows, [JSON_TYPE]: schemas.queryResult } },
      async handle(call) {
        const session = sessionIdOf(call);
        // All that can be refused is refused before anything runs: a statement with an effect has no second try.
        call.requireStreaming();
        const format = rowFormatOf(call.negotiate(ROW_TYPES)) ?? 'json';
        call.body.expectMediaType([JSON_TYPE]);
        const { timeout_ms, ...asked } = await call.body.json(schemas.queryBody, limits.jsonBodyMaxBytes);
        if (timeout_ms !== undefined && asked.timeout !== undefined) throw new InvalidRequest('Give "timeout" or "timeout_ms", not both', { field: 'timeout' });
        const request = { ...asked, ...(timeout_ms === undefined ? {} : { timeout: timeout_ms }) } as QueryRequest;
        const answer = await gateway.query(call.tenant, session, request, format, { signal: call.signal });
        const headers = { 'content-type': ROW_MEDIA_TYPES[answer.format], vary: 'Accept' };
        return { status: 200, headers, stream: answer.body, eager: false };
      },
    },
  ];
}
