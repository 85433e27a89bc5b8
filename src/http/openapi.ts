import { z } from 'zod';
import { ERROR_KINDS } from '../domain/errors.ts';
import { BODY_CODINGS } from './content-coding.ts';
import { PROBLEM_MEDIA_TYPE } from './problem.ts';
import type { Route } from './route.ts';
import * as schemas from './schemas.ts';

type Json = Record<string, unknown>;

/** Version of the contract, not of the package: it changes when `/v1` does. */
const CONTRACT_VERSION = '1.0.0';

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io }) as Json;
  return rest;
}

function content(types: Readonly<Record<string, z.ZodType | null>>, io: 'input' | 'output'): Json {
  return Object.fromEntries(Object.entries(types).map(([type, schema]) => [type, schema === null ? {} : { schema: jsonSchema(schema, io) }]));
}

function parameters(route: Route): Json[] {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const properties = (jsonSchema(route.query, 'input')['properties'] ?? {}) as Json;
  const inQuery = Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
  const header = (name: string): Json => ({ name, in: 'header', required: false, schema: { type: 'string' } });
  const coded = route.body === undefined ? [] : [{ ...header('Content-Encoding'), schema: { type: 'string', enum: [...BODY_CODINGS, 'identity'] } }];
  const keyed = route.method === 'POST' || route.method === 'PUT' || route.method === 'PATCH';
  return [...inPath, ...inQuery, ...(route.access === 'tenant' ? [header('Mayfly-Tenant')] : []), ...(keyed ? [header('Idempotency-Key')] : []), ...coded];
}

function operation(route: Route): Json {
  const answers = Object.entries(route.answers).map(([status, types]) => [status, { description: route.summary, content: content(types, 'output') }]);
  return {
    summary: route.summary,
    operationId: `${route.method.toLowerCase()}${route.path.replace(/[/:_.]+(\w?)/g, (_all, letter: string) => letter.toUpperCase())}`,
    security: route.access === 'open' ? [{}] : [{ bearer: [] }, {}],
    parameters: parameters(route),
    ...(route.body === undefined ? {} : { requestBody: { content: content(route.body, 'input') } }),
    responses: { ...(Object.fromEntries(answers) as Json), default: { $ref: '#/components/responses/Problem' } },
  };
}

/** OpenAPI 3.1, made from the routes themselves and the schemas they check with. */
export function openApiDocument(routes: readonly Route[]): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  const codes = Object.keys(ERROR_KINDS).filter((code) => code !== 'data_dir_locked');
  return {
    openapi: '3.1.0',
    info: { title: 'Mayfly', version: CONTRACT_VERSION, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      responses: {
        Problem: {
          description: 'What went wrong, by stable code',
          content: { [PROBLEM_MEDIA_TYPE]: { schema: jsonSchema(schemas.problem.extend({ code: z.enum(codes as [string, ...string[]]) }), 'output') } },
        },
      },
    },
  };
}
