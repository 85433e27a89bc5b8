import { InvalidRequest } from '../domain/errors.ts';

/** Fewer digits than this always fit a double. */
const DIGITS_AT_RISK = /\d{16}/;
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

/**
 * JSON whose whole numbers come out as they were written: `9007199254740993` would become its neighbour, and a statement
 * would then find or change another row than the one that was meant.
 * @throws InvalidRequest for such a number, SyntaxError for what is no JSON
 */
export function parseExactJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!DIGITS_AT_RISK.test(text)) return value;
  for (const [token] of text.matchAll(STRING_OR_NUMBER)) {
    if (/^-?\d{16,}$/.test(token) && String(Number(token)) !== token) {
      throw new InvalidRequest(`A JSON number cannot hold ${token} exactly: send it as a text, and cast it where its type matters`, { field: 'body' });
    }
  }
  return value;
}
