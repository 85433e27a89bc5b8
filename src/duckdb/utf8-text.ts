import { InvalidRows } from '../domain/errors.ts';
import type { ByteStream } from '../domain/gateway.ts';

const MARK = '\u{feff}';

/** A body as text, piece by piece, without a byte order mark. @throws InvalidRows (`line`) when it is not UTF-8 */
export async function* utf8Text(body: ByteStream): AsyncGenerator<string, void, void> {
  // Left to itself the decoder of Node 20 takes marks in the middle for ones at the beginning.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let line = 1;
  let begun = false;
  const decode = (bytes?: Uint8Array): string => {
    try {
      const text = decoder.decode(bytes, { stream: bytes !== undefined });
      const marked = !begun && text.startsWith(MARK);
      begun ||= text !== '';
      return marked ? text.slice(1) : text;
    } catch (error) {
      throw new InvalidRows(`The body is not UTF-8, in line ${line} or after it`, { line }, { cause: error });
    }
  };
  for await (const bytes of body) {
    const text = decode(bytes);
    yield text;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) line++;
  }
  yield decode();
}
