import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import type { ByteStream } from '../domain/gateway.ts';
import { ROW_MEDIA_TYPES } from '../domain/row-format.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { HttpLimits, HttpServerOptions } from './options.ts';
import type { RequestBody } from './request-body.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What a handler gives back; the server alone turns it into bytes on a connection. */
export type Answer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly json: unknown }
  | { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly text: string }
  /** `eager`: the head goes out before the first chunk, for streams that wait for news. */
  | { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly stream: ByteStream; readonly eager: boolean };

/** One call, authenticated and bound to its tenant. */
export interface Call {
  readonly tenant: Tenant;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: IncomingHttpHeaders;
  readonly body: RequestBody;
  /** Admitted by another node, and meant for this one alone. */
  readonly forwarded: boolean;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  /** Aborted when the node stops: followers end tidily. */
  readonly draining: AbortSignal;
  /** @throws NotAcceptable listing what can be produced */
  negotiate<M extends string>(supported: readonly M[]): M;
  /** @throws InvalidRequest for HTTP/1.0, which cannot tell a cut from an end (I8) */
  requireStreaming(): void;
}

export interface RouteContext extends Omit<HttpServerOptions, 'limits'> {
  readonly limits: HttpLimits;
}

/** One row of the contract: what the router matches, what the document tells, and what runs. */
export interface Route {
  readonly method: Method;
  /** With `:name` for a parameter. */
  readonly path: string;
  readonly summary: string;
  /** `tenant`: bound to one; `operator`: needs that role where tokens are configured; `open`: anybody. */
  readonly access: 'tenant' | 'operator' | 'open';
  readonly query: z.ZodType<Record<string, unknown>>;
  /** Media types of the body; null for one that is not JSON. */
  readonly body?: Readonly<Record<string, z.ZodType | null>>;
  readonly answers: Readonly<Record<number, Readonly<Record<string, z.ZodType | null>>>>;
  handle(call: Call): Promise<Answer>;
}

export const { json: JSON_TYPE, arrow: ARROW_TYPE, ndjson: NDJSON_TYPE } = ROW_MEDIA_TYPES;
export const EVENT_STREAM_TYPE = 'text/event-stream';
