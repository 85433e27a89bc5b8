import type { Credentials } from './credentials.ts';
import type { NodeTime } from './node-time.ts';
import { Refusal, refusalOf } from './refusal.ts';

interface CallOptions {
  readonly json?: unknown;
  readonly signal?: AbortSignal;
}

/** Largest answer that is read, in bytes: a page has to hold it whole. */
export const ANSWER_MAX_BYTES = 8 * 1024 * 1024;

/** Calls to the node that served the page, below the folder the page lies in. */
export class NodeCaller {
  readonly #credentials: Credentials;
  readonly #time: NodeTime;

  constructor(credentials: Credentials, time: NodeTime) {
    this.#credentials = credentials;
    this.#time = time;
  }

  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.call('GET', path, signal === undefined ? {} : { signal });
  }

  /** @throws Refusal for what is no success; a TypeError when the node cannot be reached */
  async call<T>(method: 'GET' | 'POST' | 'DELETE', path: string, options: CallOptions = {}): Promise<T> {
    const response = await this.#send(method, path, 'application/json', options);
    return JSON.parse(await boundedText(response)) as T;
  }

  /** The values of an NDJSON answer, as many at a time as arrive together. */
  async *values<T>(path: string, signal: AbortSignal): AsyncGenerator<readonly T[]> {
    const response = await this.#send('GET', path, 'application/x-ndjson', { signal });
    yield [];
    let rest = '';
    for await (const text of texts(response)) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      yield lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T);
    }
  }

  async #send(method: string, path: string, accept: string, { json, signal }: CallOptions): Promise<Response> {
    const { tenant, token } = this.#credentials;
    const headers = new Headers({ accept });
    if (tenant !== '') headers.set('mayfly-tenant', tenant);
    if (token !== '') headers.set('authorization', `Bearer ${token}`);
    if (json !== undefined) headers.set('content-type', 'application/json');
    const response = await fetch(new URL(path, new URL('.', location.href)), {
      method,
      headers,
      cache: 'no-store',
      redirect: 'error',
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(signal === undefined ? {} : { signal }),
    });
    this.#time.note(response);
    if (!response.ok) throw await refusalOf(response);
    return response;
  }
}

async function boundedText(response: Response): Promise<string> {
  const parts: string[] = [];
  let size = 0;
  for await (const text of texts(response)) {
    size += text.length;
    if (size > ANSWER_MAX_BYTES)
      throw new Refusal('answer_too_large', response.status, 'The answer is larger than a page should hold: ask for less, with LIMIT');
    parts.push(text);
  }
  return parts.join('');
}

/** The body piece by piece; leaving the loop cancels it, which ends the work behind it too. */
async function* texts(response: Response): AsyncGenerator<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) return;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
