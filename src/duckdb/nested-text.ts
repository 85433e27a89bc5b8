/** What DuckDB takes for space around the parts of a nested value. */
const SPACE = /[ \t\r\n\v\f]*/y;
/** A text without quotes, up to what may end it. */
const PLAIN = /[^,\]}]*/y;
const PLAIN_KEY = /[^=,}]*/y;
const PLAIN_NAME = /[^:,}]*/y;
const NULL = /null(?=[ \t\r\n\v\f]*(?:[,\]}=]|$))/iy;

/** Reads a nested value as DuckDB writes it: `[1, NULL]`, `{'name': text}`, `{key=value}`. Each step that does not fit throws a SyntaxError. */
export class NestedText {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  accept(mark: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  expect(mark: string): void {
    if (!this.accept(mark)) throw new SyntaxError(`no "${mark}" where one belongs`);
  }

  /** Whether `NULL` stands here, without quotes; it is passed over. */
  acceptNull(): boolean {
    this.#skipSpace();
    NULL.lastIndex = this.#at;
    if (!NULL.test(this.#text)) return false;
    this.#at = NULL.lastIndex;
    return true;
  }

  /** A text in an item's or a value's place. */
  text(): string {
    return this.#quoted() ?? this.#plain(PLAIN);
  }

  /** A key of a MAP. */
  key(): string {
    return this.#quoted() ?? this.#plain(PLAIN_KEY);
  }

  /** A name of a STRUCT's field. */
  name(): string {
    return this.#quoted() ?? this.#plain(PLAIN_NAME);
  }

  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) throw new SyntaxError('something behind its end');
  }

  #quoted(): string | undefined {
    this.#skipSpace();
    const quote = this.#text[this.#at];
    if (quote !== "'" && quote !== '"') return undefined;
    const stop = quote === "'" ? /['\\]/g : /["\\]/g;
    let text = '';
    for (let from = this.#at + 1; ;) {
      stop.lastIndex = from;
      const found = stop.exec(this.#text);
      if (found === null) throw new SyntaxError('a quote that is never closed');
      text += this.#text.slice(from, found.index);
      if (found[0] === quote) {
        this.#at = found.index + 1;
        return text;
      }
      // What follows a backslash is text, whatever it is.
      text += this.#text[found.index + 1] ?? '';
      from = found.index + 2;
    }
  }

  #plain(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [text] = pattern.exec(this.#text)!;
    this.#at += text.length;
    const trimmed = text.replace(/[ \t\r\n\v\f]+$/, '');
    if (trimmed === '') throw new SyntaxError('nothing where a value belongs');
    return trimmed;
  }

  #skipSpace(): void {
    SPACE.lastIndex = this.#at;
    this.#at += SPACE.exec(this.#text)![0].length;
  }
}
