import { deserializeError, ERROR_KINDS, type ErrorCode, type MayflyError } from '../domain/errors.ts';

/** Parts of a problem document that are not the error's own fields. */
const DOCUMENT = new Set(['type', 'title', 'status', 'code', 'detail', 'retryable']);

/** For answers that no Mayfly wrote, such as a proxy's. */
const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  429: 'unavailable',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
};

/** The typed error of an answer that is not a success. Never rejects: a body that cannot be read says less, that is all. */
export async function errorOfResponse(response: Response): Promise<MayflyError> {
  const text = await response.text().catch(() => '');
  const problem = parsed(text);
  const code = problem?.['code'];
  if (problem !== undefined && typeof code === 'string') {
    const fields = Object.fromEntries(Object.entries(problem).filter(([key]) => !DOCUMENT.has(key)));
    const detail = typeof problem['detail'] === 'string' ? problem['detail'] : code;
    return deserializeError({ code: code as ErrorCode, detail, fields });
  }
  const guessed: ErrorCode = CODE_OF_STATUS[response.status] ?? 'internal';
  return deserializeError({
    code: guessed,
    detail: `${ERROR_KINDS[guessed].title} (HTTP ${response.status}, not an answer of Mayfly's own)`,
    fields: { http_status: response.status },
  });
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** `Retry-After` in ms (seconds or a date), or undefined. */
export function retryAfterMs(response: Response, nowMs: number): number | undefined {
  const text = response.headers.get('retry-after');
  if (text === null) return undefined;
  if (/^\d+$/.test(text.trim())) return Number(text) * 1_000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
