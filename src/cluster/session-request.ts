import { parseDuration } from '../domain/duration.ts';
import { InvalidRequest } from '../domain/errors.ts';
import type { ExtendSessionRequest } from '../domain/gateway.ts';

export interface LifetimeBounds {
  readonly timeoutMs: number;
  /** null: a session may ask for any lifetime. */
  readonly timeoutMaxMs: number | null;
}

export interface Lifetime {
  readonly timeoutMs: number | null;
  readonly idleTimeoutMs: number | null;
}

const LABELS_MAX = 32;
const LABEL_LENGTH_MAX = 256;

/** @throws InvalidRequest naming the field, for a bad duration or one above the maximum */
export function parseLifetime(request: ExtendSessionRequest, standing: Lifetime, bounds: LifetimeBounds): Lifetime {
  const timeoutMs = parseEither(request, 'timeout') ?? standing.timeoutMs;
  const idleTimeoutMs = parseEither(request, 'idle_timeout') ?? standing.idleTimeoutMs;
  for (const [name, ms] of [['timeout', timeoutMs] as const, ['idle_timeout', idleTimeoutMs] as const]) {
    const field = fieldOf(request, name);
    if (ms !== null && bounds.timeoutMaxMs !== null && ms > bounds.timeoutMaxMs) {
      throw new InvalidRequest(`"${field}" is above the maximum of ${bounds.timeoutMaxMs} ms of this node`, { field, max: bounds.timeoutMaxMs });
    }
  }
  return { timeoutMs, idleTimeoutMs };
}

/** The field as the caller wrote it, for errors. */
export function fieldOf(request: ExtendSessionRequest, name: 'timeout' | 'idle_timeout'): string {
  return request[`${name}_ms`] === undefined ? name : `${name}_ms`;
}

function parseEither(request: ExtendSessionRequest, field: 'timeout' | 'idle_timeout'): number | undefined {
  const text = request[field];
  const ms = request[`${field}_ms`];
  if (text !== undefined && ms !== undefined) throw new InvalidRequest(`Give "${field}" or "${field}_ms", not both`, { field });
  if (ms !== undefined) return parseDuration(ms, `${field}_ms`);
  return text === undefined ? undefined : parseDuration(text, field);
}

/** @throws InvalidRequest for more than 32 labels, or one that is longer than 256 characters */
export function parseLabels(labels: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
  if (typeof (labels ?? {}) !== 'object' || Array.isArray(labels)) throw new InvalidRequest('Labels are texts under names', { field: 'labels' });
  const entries = Object.entries(labels ?? {});
  if (entries.length > LABELS_MAX) throw new InvalidRequest(`A session has at most ${LABELS_MAX} labels`, { field: 'labels', max: LABELS_MAX });
  for (const [key, value] of entries) {
    if (typeof value !== 'string' || key === '' || key.includes(':') || key.length > LABEL_LENGTH_MAX || value.length > LABEL_LENGTH_MAX) {
      throw new InvalidRequest(`The label "${key}" must be a text under a name without ":", each of at most ${LABEL_LENGTH_MAX} characters`, {
        field: `labels.${key}`,
      });
    }
  }
  return { ...labels };
}
