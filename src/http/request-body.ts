import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { InvalidRequest, PayloadTooLarge, UnsupportedMediaType } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';
import { BODY_CODINGS, decoded, type ContentCoding } from './content-coding.ts';
import { parseExactJson } from './exact-json.ts';

const UNREADABLE = /;\s*(?:charset\s*=(?!\s*"?(?:utf-?8|us-ascii)"?\s*(?:;|$))|header\s*=\s*"?absent)/i;

/** One request's body: read once, bounded, hashed as it was sent if it has an idempotency key, never gathered unless it is JSON. */
export class RequestBody {
  private readonly hash: Hash | undefined;
  private readonly raw: IncomingMessage;
  private readonly maxBytes: number;
  private readonly onBytes: (count: number) => void;
  private readBytes = 0;
  private ended = false;

  constructor(raw: IncomingMessage, maxBytes: number, onBytes: (count: number) => void) {
    this.raw = raw;
    this.maxBytes = maxBytes;
    this.onBytes = onBytes;
    if (raw.headers['idempotency-key'] !== undefined) this.hash = createHash('sha256');
  }

  /** The media type without parameters, lower case; undefined when none was sent. */
  get mediaType(): string | undefined {
    return this.raw.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  }

  /** Nothing of it is left on the connection. */
  get complete(): boolean {
    return this.ended || this.raw.readableEnded || !this.announced();
  }

  /** @throws UnsupportedMediaType listing what is supported; also for text that says it is not UTF-8, and CSV that says it has no header */
  expectMediaType<M extends string>(supported: readonly M[]): M {
    const found = supported.find((each) => each === this.mediaType);
    if (found === undefined) {
      throw new UnsupportedMediaType(`This call takes ${supported.join(' or ')}`, { media_type: this.mediaType ?? null, supported });
    }
    if (UNREADABLE.test(this.raw.headers['content-type'] ?? '')) {
      throw new UnsupportedMediaType('Text is read as UTF-8, and CSV with a header that names the columns', { media_type: this.mediaType, supported });
    }
    return found;
  }

  /**
   * Decoded, and `maxBytes` bounds what it holds before and after that.
   * @throws PayloadTooLarge at once by Content-Length, or in the middle of a chunked body
   * @throws InvalidRequest when the sender went away before its end: a cut body is never a whole one (I8)
   */
  stream(maxBytes = this.maxBytes): ByteStream {
    const coding = this.coding();
    if (Number(this.raw.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
    return coding === undefined ? this.chunks(maxBytes) : decoded(this.chunks(maxBytes), coding, maxBytes);
  }

  /** How the body is coded; undefined when it is not. @throws UnsupportedMediaType listing what is supported */
  private coding(): ContentCoding | undefined {
    const named = this.raw.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
    const coding = BODY_CODINGS.find((each) => each === (named === 'x-gzip' ? 'gzip' : named));
    if (coding === undefined && named !== 'identity') {
      throw new UnsupportedMediaType(`This node does not read the Content-Encoding "${named}"`, { supported: [...BODY_CODINGS, 'identity'] });
    }
    return coding;
  }

  private async *chunks(maxBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      // The connection outlives a reader that stops early: it still has to carry the error answer.
      for await (const chunk of this.raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        this.readBytes += chunk.byteLength;
        this.onBytes(chunk.byteLength);
        if (this.readBytes > maxBytes) throw tooLarge(maxBytes);
        this.hash?.update(chunk);
        yield chunk;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
      throw new InvalidRequest('The body was cut off before its end', { field: 'body' }, { cause: error });
    }
    if (!this.raw.complete) throw new InvalidRequest('The body was cut off before its end', { field: 'body' });
    this.ended = true;
  }

  /** @throws InvalidRequest naming the field; UnsupportedMediaType when it does not say it is JSON */
  async json<S extends z.ZodType>(schema: S, maxBytes: number): Promise<z.output<S>> {
    if (!this.announced()) return checked(schema, {}, 'body');
    this.expectMediaType(['application/json']);
    const parts: Uint8Array[] = [];
    for await (const chunk of this.stream(maxBytes)) parts.push(chunk);
    const bytes = Buffer.concat(parts);
    let value: unknown;
    try {
      value = bytes.byteLength === 0 ? {} : parseExactJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch (error) {
      if (error instanceof InvalidRequest) throw error;
      throw new InvalidRequest('The body is not valid JSON in UTF-8', { field: 'body' }, { cause: error });
    }
    return checked(schema, value, 'body');
  }

  /** Reads what is left, within the bound, for its hash alone. */
  async drain(maxBytes = this.maxBytes): Promise<void> {
    if (this.complete) return;
    const chunks = this.chunks(maxBytes);
    while ((await chunks.next()).done !== true);
  }

  /** SHA-256 of the whole body of a call with an idempotency key; defined once it is complete, and to be asked once. */
  digest(): string {
    if (this.hash === undefined) throw new Error('only the body of a call with an idempotency key is hashed');
    return this.hash.digest('hex');
  }

  private announced(): boolean {
    const { 'content-length': length, 'transfer-encoding': coding } = this.raw.headers;
    return coding !== undefined || (length !== undefined && Number(length) > 0);
  }
}

function tooLarge(limit: number): Error {
  return new PayloadTooLarge(`The body is larger than ${limit} bytes`, { limit });
}

/** Validates against a schema shared with the OpenAPI document. @throws InvalidRequest naming the first field at fault */
export function checked<S extends z.ZodType>(schema: S, value: unknown, whole: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue?.path.map(String) ?? [];
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const field = [...path, ...unknown].join('.') || whole;
  throw new InvalidRequest(`${field}: ${issue?.message ?? 'not valid'}`, { field });
}
