import { Unavailable } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';
import type { CallScope } from './call-scope.ts';

/** One answered request: its body is read once, as JSON or as bytes, which lets go of the connection. */
export class Exchange {
  readonly response: Response;
  readonly #scope: CallScope;
  readonly #done: () => void;

  constructor(response: Response, scope: CallScope, done: () => void) {
    this.response = response;
    this.#scope = scope;
    this.#done = done;
  }

  /** @throws Unavailable when the answer was cut (I8) */
  async json(): Promise<unknown> {
    try {
      return JSON.parse(await this.response.text());
    } catch (cause) {
      throw cutAnswer(cause);
    } finally {
      this.#end();
    }
  }

  /** Bytes as they come; leaving early aborts the request. A cut answer throws, it never just ends (I8). */
  bytes(): ByteStream {
    return new ResponseBytes(this.response, this.#scope, () => this.#end());
  }

  async discard(): Promise<void> {
    await this.response.body?.cancel().catch(() => undefined);
    this.#end();
  }

  #end(): void {
    this.#scope.end();
    this.#done();
  }
}

function cutAnswer(cause: unknown): Unavailable {
  return new Unavailable('The connection was cut in the middle of the answer: what came of it is not whole', {}, { cause });
}

/** Not a generator: it lets go of the connection even when nobody ever read from it. */
class ResponseBytes implements AsyncIterableIterator<Uint8Array> {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #scope: CallScope;
  readonly #done: () => void;

  constructor(response: Response, scope: CallScope, done: () => void) {
    this.#reader = response.body?.getReader();
    this.#scope = scope;
    this.#done = done;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      const chunk = await this.#reader?.read();
      if (chunk?.done === false) return { done: false, value: chunk.value };
    } catch (cause) {
      this.#done();
      throw cutAnswer(cause);
    }
    this.#done();
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#scope.cancel();
    this.#done();
    await this.#reader?.cancel().catch(() => undefined);
    return { done: true, value: undefined };
  }
}
