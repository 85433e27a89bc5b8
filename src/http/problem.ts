import { ERROR_KINDS, MayflyError, asMayflyError } from '../domain/errors.ts';
import type { IdSource } from '../domain/ids.ts';
import type { Log } from '../ports/log.ts';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';
const RETRY_AFTER_SECONDS = 1;

export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The one map from error to answer. What is internal is told to the log alone, found there by `instance`. */
export function problemOf(thrown: unknown, ids: IdSource, log: Log): Problem {
  const error = asMayflyError(thrown);
  const { status, title, retryable } = ERROR_KINDS[error.code];
  const instance = `urn:uuid:${ids.instance()}`;
  const internal = error.code === 'internal';
  if (internal) log.error({ instance, err: error.cause instanceof Error ? error.cause : error }, 'a call failed inside');
  const document = {
    ...(internal ? {} : error.fields),
    type: `urn:mayfly:problem:${error.code}`,
    title,
    status,
    code: error.code,
    detail: internal ? 'Something went wrong inside; the log of the node has it under this instance' : error.message,
    instance,
    retryable,
  };
  const allow = error.fields['allow'];
  return {
    status,
    headers: {
      'content-type': PROBLEM_MEDIA_TYPE,
      ...(status === 429 || status === 503 ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}),
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...(status === 405 && Array.isArray(allow) ? { allow: allow.join(', ') } : {}),
    },
    body: Buffer.from(JSON.stringify(document, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))),
  };
}

/** True for an error after which a keyed call may be done again. */
export function mayRunAgain(error: unknown): boolean {
  return !(error instanceof MayflyError) || error.status >= 500 || error.status === 499 || error.retryable;
}
