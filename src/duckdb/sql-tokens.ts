import { QueryError } from '../domain/errors.ts';

/**
 * DuckDB's lexical rules, as far as the wall needs them: where words, literals and comments begin and end. A SELECT
 * is judged by its parse tree, so that a slip here could only misplace a rewrite; DML is judged by these tokens, so
 * everything whose reading could be disputed is marked `odd` and refused there.
 */

export type TokenKind =
  /** An unquoted identifier or keyword. */
  | 'word'
  /** A `"quoted identifier"`. */
  | 'quoted'
  | 'string'
  | 'number'
  | 'parameter'
  /** `{name}`, the three parts adjacent. */
  | 'placeholder'
  | 'symbol';

export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** Words and quoted identifiers: the name, folded to lower case as DuckDB folds it; symbols: the character; else ''. */
  readonly name: string;
}

export interface TokenList {
  readonly tokens: readonly Token[];
  /** Deepest nesting of (), [], {} and block comments. */
  readonly depth: number;
  /** What a strict reading refuses, in words for the caller, or undefined when there is nothing disputable. */
  readonly odd: string | undefined;
}

/** What DuckDB replaces by a blank before it parses; U+200B among them hides a parenthesis from a naive scan. */
const BLANKS = String.raw` \t\n\r\f\v\u0085\u00a0\u1680\u180e\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff`;
const BLANK = new RegExp(`[${BLANKS}]+`, 'y');
const LINE_COMMENT = /--[^\n\r]*/y;
const WORD = new RegExp(String.raw`(?![${BLANKS}])[A-Za-z_\u0080-\uffff](?:(?![${BLANKS}])[A-Za-z0-9_$\u0080-\uffff])*`, 'y');
const NUMBER = /0[xX][0-9a-fA-F_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?/y;
const PLACEHOLDER = /\{([A-Za-z0-9_]+)\}/y;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
const PARAMETER = /\$(?:\d+|[A-Za-z_][A-Za-z0-9_]*)|\?\d*/y;
/** Letters, digits and marks may stand in an identifier; every other non-ASCII character outside quotes is disputable. */
const ODD_IN_WORD = /[^A-Za-z0-9_$\p{L}\p{N}\p{M}]/u;
const ODD_BLANK = /[^ \t\n\r\f]/;
const STRING_PREFIXES = new Set(['e', 'n', 'b', 'u&']);

/** Folds A-Z alone, as DuckDB's catalog does: U+212A (Kelvin) must not become `k`. */
export function foldCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** @throws QueryError when a comment does not end */
export function readTokens(sql: string): TokenList {
  const reader = new Reader(sql);
  reader.readAll();
  return reader;
}

class Reader implements TokenList {
  readonly tokens: Token[] = [];
  depth = 0;
  odd: string | undefined;
  private readonly sql: string;
  private at = 0;
  private open = 0;

  constructor(sql: string) {
    this.sql = sql;
  }

  readAll(): void {
    while (this.at < this.sql.length) {
      if (this.skipBlank() || this.skipComment()) continue;
      this.readToken();
    }
  }

  private readToken(): void {
    const { sql, at } = this;
    const char = sql[at] as string;
    if (char === "'") return this.quotedBy("'", 'string', false);
    if (char === '"') return this.quotedBy('"', 'quoted', false);
    if (char === '$' || char === '?') return this.readDollarOrQuestion();
    if (/[0-9]/.test(char) || (char === '.' && /[0-9]/.test(sql[at + 1] ?? ''))) return this.push('number', this.match(NUMBER)?.length ?? 1, '');
    if (char === '{') {
      const placeholder = this.match(PLACEHOLDER);
      if (placeholder !== undefined) return this.push('placeholder', placeholder.length, placeholder.slice(1, -1));
    }
    const word = this.match(WORD);
    if (word !== undefined) return this.readWord(word);
    if (char === '\\' || char === '`' || char < ' ') this.odd ??= 'a backslash, backtick or control character outside quotes';
    this.countDepth(char);
    this.push('symbol', 1, char);
  }

  private readWord(text: string): void {
    const { sql, at } = this;
    if (ODD_IN_WORD.test(text)) this.odd ??= 'a non-ASCII character that is no letter outside quotes';
    const word = foldCase(text);
    const prefix = word === 'u' && sql[at + 1] === '&' ? 'u&' : word;
    const quote = sql[at + prefix.length];
    if (STRING_PREFIXES.has(prefix) && (quote === "'" || (prefix === 'u&' && quote === '"'))) {
      this.odd ??= `a ${prefix.toUpperCase()}${quote}…${quote} literal`;
      this.at += prefix.length;
      return this.quotedBy(quote, quote === '"' ? 'quoted' : 'string', prefix === 'e');
    }
    this.push('word', text.length, word);
  }

  private readDollarOrQuestion(): void {
    const tag = this.match(DOLLAR_QUOTE);
    if (tag !== undefined) {
      this.odd ??= 'a dollar-quoted literal';
      const end = this.sql.indexOf(tag, this.at + tag.length);
      return this.push('string', (end === -1 ? this.sql.length : end + tag.length) - this.at, '');
    }
    const parameter = this.match(PARAMETER);
    if (parameter === undefined) this.odd ??= 'a lone "$"';
    this.push(parameter === undefined ? 'symbol' : 'parameter', parameter?.length ?? 1, parameter === undefined ? '$' : '');
  }

  /** `at` stands on the opening quote; a doubled quote stands for one. */
  private quotedBy(quote: string, kind: 'string' | 'quoted', escapes: boolean): void {
    const { sql, at } = this;
    let end = at + 1;
    for (; end < sql.length; end += 1) {
      if (escapes && sql[end] === '\\') end += 1;
      else if (sql[end] === quote) {
        if (sql[end + 1] !== quote) break;
        end += 1;
      }
    }
    const name = kind === 'quoted' ? foldCase(sql.slice(at + 1, end).replaceAll('""', '"')) : '';
    this.push(kind, Math.min(end + 1, sql.length) - at, name);
  }

  private skipBlank(): boolean {
    const blank = this.match(BLANK);
    if (blank === undefined) return false;
    if (ODD_BLANK.test(blank)) this.odd ??= 'a blank that is not ASCII outside quotes';
    this.at += blank.length;
    return true;
  }

  private skipComment(): boolean {
    const line = this.match(LINE_COMMENT);
    if (line !== undefined) {
      this.at += line.length;
      return true;
    }
    if (!this.sql.startsWith('/*', this.at)) return false;
    // Block comments nest.
    const marks = /\/\*|\*\//g;
    marks.lastIndex = this.at;
    let nested = 0;
    for (let mark = marks.exec(this.sql); mark !== null; mark = marks.exec(this.sql)) {
      nested += mark[0] === '/*' ? 1 : -1;
      this.depth = Math.max(this.depth, nested);
      if (nested === 0) break;
    }
    if (nested !== 0) throw new QueryError('Parser Error: unterminated /* comment');
    this.at = marks.lastIndex;
    return true;
  }

  private countDepth(char: string): void {
    if (char === '(' || char === '[' || char === '{') {
      this.open += 1;
      this.depth = Math.max(this.depth, this.open);
    } else if (char === ')' || char === ']' || char === '}') this.open -= 1;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    return pattern.exec(this.sql)?.[0];
  }

  private push(kind: TokenKind, length: number, name: string): void {
    this.tokens.push({ kind, start: this.at, end: this.at + length, name });
    this.at += length;
  }
}
