import { InvalidRows } from '../domain/errors.ts';

const DEPTH_MAX = 128;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const SPACE = /[ \t\r\n]*/y;

/** A JSON number by its digits, so that none of them is lost. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type JsonValue = null | boolean | string | JsonNumber | JsonValue[] | Map<string, JsonValue>;

/** Reads JSON piece by piece. @throws InvalidRows (`line`, from 1) */
export class JsonReader {
  private readonly text: string;
  private readonly firstLine: number;
  private at = 0;

  /** @param firstLine the number of the text's first line */
  constructor(text: string, firstLine = 1) {
    this.text = text;
    this.firstLine = firstLine;
  }

  /** The one value that the text is. */
  whole(): JsonValue {
    const value = this.value(DEPTH_MAX);
    this.end('the value');
    return value;
  }

  /** The items of the one array that the text is. */
  *items(): Generator<JsonValue, void, void> {
    this.expect('[');
    if (!this.accept(']')) {
      do yield this.value(DEPTH_MAX);
      while (this.accept(','));
      this.expect(']');
    }
    this.end('the array');
  }

  /** Characters read so far. */
  get position(): number {
    return this.at;
  }

  /** The line the reader stands on, from 1. */
  get line(): number {
    let line = this.firstLine;
    for (let at = this.text.indexOf('\n'); at >= 0 && at < this.at; at = this.text.indexOf('\n', at + 1)) line++;
    return line;
  }

  private end(what: string): void {
    this.space();
    if (this.at < this.text.length) throw this.bad(`something behind the end of ${what}`);
  }

  private value(depth: number): JsonValue {
    if (depth === 0) throw this.bad(`values nested deeper than ${DEPTH_MAX}`);
    this.space();
    switch (this.text[this.at]) {
      case '{':
        return this.object(depth);
      case '[':
        return this.array(depth);
      case '"':
        return this.string();
      case 't':
        return this.word('true', true);
      case 'f':
        return this.word('false', false);
      case 'n':
        return this.word('null', null);
      default:
        return new JsonNumber(this.match(NUMBER, 'a value'));
    }
  }

  private object(depth: number): Map<string, JsonValue> {
    const members = new Map<string, JsonValue>();
    this.expect('{');
    if (this.accept('}')) return members;
    do {
      this.space();
      const name = this.string();
      if (members.has(name)) throw this.bad(`the key "${name}" twice`);
      this.expect(':');
      members.set(name, this.value(depth - 1));
    } while (this.accept(','));
    this.expect('}');
    return members;
  }

  private array(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    this.expect('[');
    if (this.accept(']')) return items;
    do items.push(this.value(depth - 1));
    while (this.accept(','));
    this.expect(']');
    return items;
  }

  private string(): string {
    // most strings have no escape; the pattern would be slow, and bounded in length, on long ones
    const end = this.text.indexOf('"', this.at + 1);
    const plain = this.text.slice(this.at + 1, Math.max(end, 0));
    if (this.text[this.at] === '"' && end > 0 && !/[\\\u0000-\u001f]/.test(plain)) {
      this.at = end + 1;
      return plain;
    }
    const text = JSON.parse(this.match(STRING, 'a string')) as string;
    if (/\p{Surrogate}/u.test(text)) throw this.bad('a string with half a surrogate pair');
    return text;
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.bad('a word that is not JSON');
    this.at += word.length;
    return value;
  }

  private match(pattern: RegExp, wanted: string): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined) throw this.bad(this.at >= this.text.length ? 'an early end' : `something else where ${wanted} belongs`);
    this.at += found.length;
    return found;
  }

  private space(): void {
    SPACE.lastIndex = this.at;
    this.at += SPACE.exec(this.text)![0].length;
  }

  private accept(mark: string): boolean {
    this.space();
    if (this.text[this.at] !== mark) return false;
    this.at++;
    return true;
  }

  private expect(mark: string): void {
    if (!this.accept(mark)) throw this.bad(this.at >= this.text.length ? 'an early end' : `something else where "${mark}" belongs`);
  }

  private bad(what: string): Error {
    const { line } = this;
    return new InvalidRows(`The rows cannot be read: line ${line} has ${what}`, { line });
  }
}
