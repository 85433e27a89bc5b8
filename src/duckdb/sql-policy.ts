import { InvalidRequest, QueryError } from '../domain/errors.ts';
import type { LogicalName } from '../domain/table-name.ts';
import { yieldsOneRow } from './one-row.ts';
import { statementNotAllowed } from './sql-functions.ts';
import { rewriteNames, type NameScope } from './sql-names.ts';
import { SqlParser } from './sql-parser.ts';
import { dmlAfterWith, isSymbol, judgeDml } from './sql-scan.ts';
import { readTokens, type Token } from './sql-tokens.ts';
import { judgeTree } from './sql-tree.ts';
import { canonicalType } from './sql-types.ts';
import { VerdictCache } from './sql-verdict-cache.ts';

export interface JudgeRequest extends NameScope {
  /** As the caller wrote it. */
  readonly query: string;
}

/** What may run, and as what. */
export interface Verdict {
  /** `dml` answers with the number of rows it changed; `dml_returning` changes rows and answers with rows. */
  readonly kind: 'rows' | 'dml' | 'dml_returning';
  /** The statement with its names rewritten: this is what must run. */
  readonly sql: string;
  /** The table a DML statement changes; also of EXPLAIN ANALYZE, which runs it. */
  readonly target?: LogicalName;
  /** It yields one row at most, which is gathered, not streamed. */
  readonly oneRow?: boolean;
}

export interface SqlPolicyOptions {
  /** Longest statement, in bytes of UTF-8. */
  readonly queryMaxBytes?: number;
}

const QUERY_MAX_BYTES = 1024 * 1024;
const LONE_SURROGATE = /\p{Surrogate}/u;
/** Deepest nesting of brackets and comments: DuckDB's parser recurses on the one and takes quadratic time for the other. */
const NESTING_MAX = 128;
/** DuckDB takes quadratic time for them: 16 s for 225,000. */
const PARAMETERS_MAX = 10_000;
/** Longer types are judged anew each time. */
const TYPE_KEY_MAX_CHARS = 1_024;
const SELECT_WORDS = new Set([
  'select',
  'with',
  'values',
  'from',
  'table',
  'pivot',
  'pivot_wider',
  'unpivot',
  'pivot_longer',
  'describe',
  'desc',
  'summarize',
  'show',
]);
const DML_WORDS = new Set(['insert', 'update', 'delete']);
const EXPLAIN_OPTIONS = new Set(['analyze', 'analyse', 'verbose', 'format', 'costs']);

export async function createSqlPolicy(options: SqlPolicyOptions = {}): Promise<SqlPolicy> {
  return new SqlPolicy(await SqlParser.create(), options.queryMaxBytes ?? QUERY_MAX_BYTES);
}

/** The wall (I7): judges every statement before anything binds, for binding alone can execute. */
export class SqlPolicy {
  private readonly parser: SqlParser;
  private readonly queryMaxBytes: number;
  private readonly verdicts = new VerdictCache<Verdict>();
  private readonly types = new VerdictCache<string>();

  constructor(parser: SqlParser, queryMaxBytes: number) {
    this.parser = parser;
    this.queryMaxBytes = queryMaxBytes;
  }

  /**
   * @throws StatementNotAllowed (`statement` or `function`)
   * @throws QueryError with DuckDB's message when it does not parse, and for physical ids of no table of the session
   * @throws UnknownTable for `{nope}`
   * @throws InvalidRequest for `{table}` without one, an empty or an overlong statement
   */
  async judge(request: JudgeRequest): Promise<Verdict> {
    const key = VerdictCache.key(request.query, request);
    const known = this.verdicts.get(key);
    if (known !== undefined) return known;
    const verdict = await this.judgeAnew(request);
    this.verdicts.set(key, verdict);
    return verdict;
  }

  /** Like `judge`, for CREATE TABLE AS: what only yields rows, and is no EXPLAIN. */
  async judgeSelect(request: JudgeRequest): Promise<Verdict> {
    const verdict = await this.judge(request);
    const first = firstWord(readTokens(verdict.sql).tokens);
    if (verdict.kind !== 'rows' || first === 'explain') {
      throw statementNotAllowed(first.toUpperCase(), 'A table can be made from a query that only yields rows');
    }
    return verdict;
  }

  /** The canonical DuckDB type. @throws InvalidRequest (`field`), UnsupportedType */
  async judgeType(type: string, field = 'type'): Promise<string> {
    const key = typeof type === 'string' && type.length <= TYPE_KEY_MAX_CHARS ? type : undefined;
    const known = this.types.get(key);
    if (known !== undefined) return known;
    const canonical = await canonicalType(this.parser, type, field);
    this.types.set(key, canonical);
    return canonical;
  }

  close(): Promise<void> {
    return this.parser.close();
  }

  private async judgeAnew(request: JudgeRequest): Promise<Verdict> {
    this.checkText(request.query);
    const { tokens, depth } = readTokens(request.query);
    if (depth > NESTING_MAX) throw new QueryError(`The statement nests deeper than ${NESTING_MAX} levels: split it with WITH`);
    if (tokens.filter((token) => token.kind === 'parameter').length > PARAMETERS_MAX) {
      throw new InvalidRequest(`The statement has more than ${PARAMETERS_MAX} parameters: insert data as rows instead`, { field: 'query' });
    }
    checkSingle(tokens);
    const sql = rewriteNames(request.query, tokens, request);
    return this.judgeRewritten(sql, new Set<string>(request.tables));
  }

  private async judgeRewritten(sql: string, tables: ReadonlySet<string>): Promise<Verdict> {
    const list = readTokens(sql);
    const first = firstWord(list.tokens);
    if (first === 'explain') return this.judgeExplain(sql, list.tokens, tables);
    if (DML_WORDS.has(first)) return this.judgeChange(sql, 0, tables);
    if (!SELECT_WORDS.has(first)) {
      await this.parser.countStatements(sql);
      throw statementNotAllowed(first.toUpperCase());
    }
    const parsed = await this.parser.parse(sql);
    if (parsed.kind === 'other') return this.judgeNoSelect(sql, list.tokens, tables);
    if (parsed.statements.length !== 1) throw severalStatements();
    judgeTree(parsed.statements, tables, this.parser.engine);
    return { kind: 'rows', sql, oneRow: yieldsOneRow(parsed.statements[0], this.parser.engine) };
  }

  /** It began like a SELECT and is none: WITH … INSERT, or PIVOT without IN. */
  private async judgeNoSelect(sql: string, tokens: readonly Token[], tables: ReadonlySet<string>): Promise<Verdict> {
    const verb = firstWord(tokens) === 'with' ? dmlAfterWith(tokens) : undefined;
    if (verb !== undefined) return this.judgeChange(sql, verb, tables);
    if (tokens.some((token) => token.kind === 'word' && token.name.startsWith('pivot'))) throw pivotWithoutIn();
    throw statementNotAllowed(firstWord(tokens).toUpperCase());
  }

  private async judgeChange(sql: string, verb: number, tables: ReadonlySet<string>): Promise<Verdict> {
    const list = readTokens(sql);
    // The scan comes first: what it refuses is not even parsed.
    const { target, returning } = judgeDml(list, verb, tables, this.parser.engine);
    if ((await this.parser.countStatements(sql)) !== 1) throw pivotWithoutIn();
    return { kind: returning ? 'dml_returning' : 'dml', sql, target };
  }

  private async judgeExplain(sql: string, tokens: readonly Token[], tables: ReadonlySet<string>): Promise<Verdict> {
    const inner = tokens[afterExplain(tokens)];
    if (inner === undefined || inner.name === 'explain') throw new QueryError('Parser Error: EXPLAIN needs a statement to explain');
    const verdict = await this.judgeRewritten(sql.slice(inner.start), tables);
    if ((await this.parser.countStatements(sql)) !== 1) throw pivotWithoutIn();
    // EXPLAIN ANALYZE runs what it explains, and answers with rows.
    return verdict.target === undefined ? { kind: 'rows', sql } : { kind: 'dml_returning', sql, target: verdict.target };
  }

  private checkText(query: string): void {
    if (typeof query !== 'string' || query.includes('\0') || LONE_SURROGATE.test(query)) {
      throw new InvalidRequest('The statement must be text without NUL and without half characters', { field: 'query' });
    }
    if (Buffer.byteLength(query) > this.queryMaxBytes) {
      throw new InvalidRequest(`The statement is longer than ${this.queryMaxBytes} bytes: insert data as rows, or pass it as parameters`, { field: 'query' });
    }
  }
}

function checkSingle(tokens: readonly Token[]): void {
  const first = tokens.findIndex((token) => isSymbol(token, ';'));
  if (first === 0 || tokens.length === 0) throw new InvalidRequest('There is no statement', { field: 'query' });
  if (first !== -1 && tokens.slice(first).some((token) => !isSymbol(token, ';'))) throw severalStatements();
}

/** The first word, behind opening parentheses; '' when it begins with something else. */
function firstWord(tokens: readonly Token[]): string {
  const first = tokens.find((token) => !isSymbol(token, '('));
  return first?.kind === 'word' ? first.name : '';
}

/** Index of the first token behind EXPLAIN [ANALYZE] [VERBOSE] [(options)]. */
function afterExplain(tokens: readonly Token[]): number {
  let at = 1;
  while (['analyze', 'analyse', 'verbose'].includes(tokens[at]?.name ?? '')) at += 1;
  if (isSymbol(tokens[at], '(') && EXPLAIN_OPTIONS.has(tokens[at + 1]?.name ?? '')) {
    while (at < tokens.length && !isSymbol(tokens[at], ')')) at += 1;
    at += 1;
  }
  return at;
}

function severalStatements(): Error {
  return statementNotAllowed('More than one statement', 'Send them one by one');
}

function pivotWithoutIn(): Error {
  return statementNotAllowed('PIVOT without IN', 'Name the values: PIVOT … ON column IN (…)');
}
