import { openApiDocument } from '../openapi.ts';
import { JSON_TYPE } from '../route.ts';
import type { Route, RouteContext } from '../route.ts';
import * as schemas from '../schemas.ts';

const open = { method: 'GET', access: 'open', query: schemas.emptyQuery } as const;

/** What tells of the node itself. `routes` is asked late: the document covers these routes too. */
export function nodeRoutes({ status, nodes, metrics }: RouteContext, routes: () => readonly Route[]): readonly Route[] {
  return [
    {
      ...open,
      path: '/healthz',
      summary: 'Is the process alive',
      answers: { 200: { [JSON_TYPE]: schemas.health }, 503: { [JSON_TYPE]: schemas.health } },
      handle: async () => (status().live ? { status: 200, json: { status: 'ok' } } : { status: 503, json: { status: 'failed' } }),
    },
    {
      ...open,
      path: '/readyz',
      summary: 'Does the node take work: 503 while starting, fenced or draining',
      answers: { 200: { [JSON_TYPE]: schemas.health }, 503: { [JSON_TYPE]: schemas.health } },
      async handle() {
        const { ready, reason } = status();
        if (ready) return { status: 200, json: { status: 'ready' } };
        return { status: 503, headers: { 'retry-after': '1' }, json: { status: 'not_ready', ...(reason === undefined ? {} : { reason }) } };
      },
    },
    {
      ...open,
      access: 'operator',
      path: '/metrics',
      summary: 'Prometheus metrics',
      answers: { 200: { 'text/plain': null } },
      async handle() {
        const { contentType, text } = await metrics.render();
        return { status: 200, headers: { 'content-type': contentType }, text };
      },
    },
    {
      ...open,
      access: 'operator',
      path: '/v1/cluster',
      summary: 'The nodes',
      answers: { 200: { [JSON_TYPE]: schemas.nodes } },
      handle: async () => ({ status: 200, json: { nodes: await nodes() } }),
    },
    {
      ...open,
      path: '/openapi.json',
      summary: 'This document',
      answers: { 200: { [JSON_TYPE]: null } },
      handle: async () => ({ status: 200, json: openApiDocument(routes()) }),
    },
  ];
}
