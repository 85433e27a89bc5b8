import { InvalidRows, PayloadTooLarge } from '../domain/errors.ts';

const PLAIN = /[^",\r\n]*/y;

export interface CsvRecord {
  /** null: empty and not quoted. */
  readonly cells: readonly (string | null)[];
  /** The line it begins in, from 1. */
  readonly line: number;
}

/** Cuts text into records as RFC 4180 has them, however it comes in pieces; lines end with LF, CRLF or CR. */
export class CsvReader {
  readonly #recordMaxBytes: number;
  #text = '';
  #at = 0;
  #line = 1;
  /** A record that was not whole is read again only once twice as much of it has come: so a long one costs no more than its length. */
  #wantedChars = 0;

  constructor(recordMaxBytes: number) {
    this.#recordMaxBytes = recordMaxBytes;
  }

  /**
   * The records that are whole now.
   * @param isLast nothing comes after this piece
   * @throws InvalidRows (`line`), PayloadTooLarge (`limit`)
   */
  *push(piece: string, isLast: boolean): Generator<CsvRecord, void, void> {
    this.#text = this.#text.slice(this.#at) + piece;
    this.#at = 0;
    if (!isLast && this.#text.length < this.#wantedChars) return;
    while (this.#at < this.#text.length) {
      const record = this.#record(isLast);
      if (record === undefined) break;
      yield record;
    }
    const restChars = this.#text.length - this.#at;
    if (restChars > this.#recordMaxBytes) {
      throw new PayloadTooLarge(`A row of CSV has at most ${this.#recordMaxBytes} bytes`, { limit: this.#recordMaxBytes });
    }
    this.#wantedChars = restChars * 2;
  }

  /** The next record; undefined when its end has not come yet. */
  #record(isLast: boolean): CsvRecord | undefined {
    const cells: (string | null)[] = [];
    const line = this.#line;
    let newlines = 0;
    let at = this.#at;
    for (;;) {
      if (this.#text[at] === '"') {
        const end = this.#closingQuote(at + 1);
        if (end < 0 && isLast) throw this.#bad('a quote that is never closed');
        // Behind a quote that ends the piece another one may come.
        if (end < 0 || (end + 1 === this.#text.length && !isLast)) return undefined;
        const inside = this.#text.slice(at + 1, end);
        cells.push(inside.replaceAll('""', '"'));
        newlines += inside.split('\n').length - 1;
        at = end + 1;
      } else {
        PLAIN.lastIndex = at;
        PLAIN.test(this.#text);
        cells.push(PLAIN.lastIndex === at ? null : this.#text.slice(at, PLAIN.lastIndex));
        at = PLAIN.lastIndex;
      }
      const mark = this.#text[at];
      if (mark === ',') at++;
      else {
        const end = this.#endOfLine(at, isLast);
        if (end === undefined) return undefined;
        this.#at = end;
        this.#line += newlines + 1;
        return { cells, line };
      }
    }
  }

  #closingQuote(from: number): number {
    for (let at = from; ;) {
      const quote = this.#text.indexOf('"', at);
      if (quote < 0 || this.#text[quote + 1] !== '"') return quote;
      at = quote + 2;
    }
  }

  /** Where the next record begins; undefined when that has not come yet. */
  #endOfLine(at: number, isLast: boolean): number | undefined {
    const [mark, next] = [this.#text[at], this.#text[at + 1]];
    if (mark === undefined) return isLast ? at : undefined;
    if (mark === '\n') return at + 1;
    if (mark !== '\r') throw this.#bad(`a quote in the middle of a value, or something behind one that closes`);
    if (next === undefined && !isLast) return undefined;
    return next === '\n' ? at + 2 : at + 1;
  }

  #bad(what: string): Error {
    return new InvalidRows(`The row that begins in line ${this.#line} has ${what}`, { line: this.#line });
  }
}
