import type { IncomingMessage } from 'node:http';
import Negotiator from 'negotiator';
import type { ByteStream } from '../domain/gateway.ts';
import { rowFormatOf } from '../domain/row-format.ts';
import { gather } from './connection.ts';
import { ANSWER_CODINGS, encoded, type ContentCoding } from './content-coding.ts';
import type { KeptAnswer } from './idempotency.ts';
import type { Answer } from './route.ts';

/** Below this an answer is sent as it is: coding it would cost more than it saves. */
const CODED_MIN_BYTES = 1_024;
const TEXT = /^(?:text\/(?!event-stream)|application\/(?:json|x-ndjson)\b|image\/svg)/;

type Streamed = Extract<Answer, { stream: ByteStream }>;
type Headers = Readonly<Record<string, string>>;

/** The answer as the client's `Accept-Encoding` wants it; unchanged when it is short, waits for news, or is compressed as it is. */
export async function codedStream(answer: Streamed, request: IncomingMessage): Promise<Streamed> {
  if (answer.eager || !isVarying(answer.headers, request)) return answer;
  const coding = codingOf(answer.headers, request);
  const headers = varying(answer.headers, coding);
  if (coding === undefined) return { ...answer, headers };
  const gathered = await gather(answer.stream, CODED_MIN_BYTES);
  if ('whole' in gathered) return { ...answer, headers: varying(answer.headers, undefined), stream: once(gathered.whole) };
  return { ...answer, headers, stream: encoded(gathered.stream, coding) };
}

/** The same for an answer in memory. */
export async function codedWhole(answer: KeptAnswer, request: IncomingMessage): Promise<KeptAnswer> {
  if (answer.body.byteLength < CODED_MIN_BYTES || !isVarying(answer.headers, request)) return answer;
  const coding = codingOf(answer.headers, request);
  const headers = varying(answer.headers, coding);
  if (coding === undefined) return { ...answer, headers };
  const parts: Uint8Array[] = [];
  for await (const part of encoded(once(answer.body), coding)) parts.push(part);
  return { ...answer, headers, body: Buffer.concat(parts) };
}

/** A tag stands for the bytes themselves, so what bears one is sent as it is; and so is what must not be held up on its way. */
function isVarying(headers: Headers, request: IncomingMessage): boolean {
  const type = headers['content-type'] ?? '';
  if (headers['x-accel-buffering'] === 'no') return false;
  return request.method !== 'HEAD' && headers['etag'] === undefined && (TEXT.test(type) || rowFormatOf(type) === 'arrow');
}

function varying(headers: Headers, coding: ContentCoding | undefined): Headers {
  const vary = [headers['vary'], 'Accept-Encoding'].filter((each) => each !== undefined).join(', ');
  return { ...headers, vary, ...(coding === undefined ? {} : { 'content-encoding': coding }) };
}

/**
 * What the client likes best; of several that it likes alike, the one it names first. Arrow has compression of its own
 * and is read at the speed of memory, and HTTP libraries accept `gzip, deflate` unasked: it is coded for a client that
 * names one coding alone.
 */
function codingOf(headers: Headers, request: IncomingMessage): ContentCoding | undefined {
  const negotiator = new Negotiator(request);
  const best = negotiator.encoding([...ANSWER_CODINGS, 'identity']);
  const named = negotiator.encodings().filter((coding) => coding !== 'identity');
  if (rowFormatOf(headers['content-type'] ?? '') === 'arrow' && (named.length !== 1 || named[0] === '*')) return undefined;
  return ANSWER_CODINGS.find((coding) => coding === best);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
