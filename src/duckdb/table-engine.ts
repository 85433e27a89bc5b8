import { BIGINT, DuckDBDataChunk } from '@duckdb/node-api';
import type { MayflyError } from '../domain/errors.ts';
import type { ByteStream, ColumnSpec, ColumnView, QueryAnswer, RowFormat } from '../domain/gateway.ts';
import type { SessionId } from '../domain/ids.ts';
import type { LogicalName } from '../domain/table-name.ts';
import type { TableCount } from '../ports/lease-store.ts';
import type { DropReceipt, SlotQuery, TableDescription, TableOrigin } from '../ports/table-engine.ts';
import { openArrowStream } from './arrow-to-duckdb.ts';
import { holdBack } from './held-answer.ts';
import { appendArrow, appendText } from './insert-rows.ts';
import { insertParquet } from './parquet-rows.ts';
import { answerBudget, readTextRows, ROW_ENCODERS, type StreamedFormat } from './row-formats.ts';
import { writeParquetRows, type ParquetWork } from './rows-to-parquet.ts';
import type { Sandbox } from './sandbox.ts';
import type { SlotPool } from './slot-pool.ts';
import type { SqlPolicy } from './sql-policy.ts';
import { changeRows, oneRow, streamRows } from './statement.ts';
import * as catalog from './table-catalog.ts';
import { sealed, Transaction } from './transaction.ts';

/** The rows of every table at the end; of one that could not be counted, those of its last commit. */
type Counts = Pick<DropReceipt, 'dropped' | 'counted'>;

/** Called before a commit that lowers a table's rows and after one that raises them (I6). */
export type NoteCount = (count: TableCount) => Promise<void>;

export interface SlotOptions {
  readonly session: SessionId;
  /** The largest Arrow message or JSON body taken into memory. */
  readonly messageMaxBytes: number;
  /** Whether the node's lease is over at this instant (I5). */
  readonly isFenced: () => boolean;
}

/** One session's DuckDB sandbox and the work done in it, one piece at a time. */
export class TableEngineSlot {
  readonly #sandbox: Sandbox;
  readonly #pool: SlotPool;
  readonly #policy: SqlPolicy;
  readonly #options: SlotOptions;
  readonly #tables = new catalog.TableCatalog();
  #last: Promise<void> = Promise.resolve();
  #running: Transaction | undefined;
  #sealed = false;
  /** Whether all that began was committed or read: the rows of the last commits are then the tables' own (I6). */
  #allWentWell = true;
  #counts: Counts | undefined;
  #receipt: DropReceipt | undefined;

  private constructor(sandbox: Sandbox, pool: SlotPool, policy: SqlPolicy, options: SlotOptions) {
    this.#sandbox = sandbox;
    this.#pool = pool;
    this.#policy = policy;
    this.#options = options;
  }

  static async open(pool: SlotPool, policy: SqlPolicy, options: SlotOptions): Promise<TableEngineSlot> {
    return new TableEngineSlot(await pool.take(), pool, policy, options);
  }

  async createTable(name: LogicalName, origin: TableOrigin, primaryKey: readonly string[]): Promise<{ rows: number }> {
    return this.#work('insert', async (transaction) => {
      this.#tables.refuse(name);
      const made = await this.#createFrom(name, origin, primaryKey, transaction);
      await transaction.commit();
      this.#tables.put(made);
      return { rows: made.rows };
    });
  }

  /** All or nothing: one transaction, closed only after the body was whole. @returns rows inserted, and now in the table */
  async insert(name: LogicalName, format: RowFormat, body: ByteStream): Promise<{ rows: number; total: number }> {
    return this.#work('insert', async (transaction) => {
      const table = this.#tables.get(name);
      let appended: number;
      if (format === 'arrow') {
        const input = await openArrowStream(body, this.#options);
        appended = await appendArrow(this.#connection, table, input, transaction);
      } else if (format === 'parquet') {
        await transaction.begin();
        appended = await insertParquet(this.#parquetWork(transaction), table, body);
      } else {
        const columns = await catalog.readTypedColumns(this.#connection, name);
        const chunks = readTextRows(format, body, columns, this.#options.messageMaxBytes);
        appended = await appendText(this.#connection, name, chunks, transaction);
      }
      await transaction.commit();
      const total = table.rows + appended;
      this.#tables.setRows(name, total);
      return { rows: appended, total };
    });
  }

  /** The slot is taken until the body was read to its end, failed, or was left. */
  async query(query: SlotQuery, note: NoteCount): Promise<QueryAnswer> {
    const leave = await this.#enter();
    const transaction = this.#start('statement');
    const end = (): void => this.#end(transaction, leave);
    try {
      transaction.check();
      const verdict = await this.#policy.judge({ query: query.query, table: query.table, session: this.#options.session, tables: this.#tables.names });
      const work = { connection: this.#connection, transaction, tables: this.#tables, note };
      if (verdict.kind === 'dml') {
        const changed = await changeRows(work, verdict, query.parameters);
        end();
        const format = query.format === 'parquet' ? 'json' : query.format;
        return { format, body: changedRows(changed, format) };
      }
      if (query.format === 'parquet') {
        const file = await writeParquetRows(this.#parquetWork(transaction), verdict, query.parameters);
        return { format: query.format, body: await holdBack(file, end) };
      }
      const { format, parameters } = query;
      const encode = ROW_ENCODERS[format];
      const rows = verdict.oneRow === true ? oneRow(work, verdict, parameters, encode) : streamRows(work, verdict, parameters, encode, answerBudget(format));
      return { format, body: await holdBack(rows, end) };
    } catch (error) {
      // An interrupt may have come before anything began: it must not go on into the next statement.
      await transaction.rollback().finally(end);
      throw transaction.explain(error);
    }
  }

  async describeTable(name: LogicalName): Promise<TableDescription> {
    const leave = await this.#enter();
    leave();
    return this.#tables.get(name);
  }

  async dropTable(name: LogicalName, note: NoteCount): Promise<{ rows: number }> {
    return this.#work('statement', async (transaction) => {
      const { rows } = this.#tables.get(name);
      await transaction.begin();
      await this.#connection.run(`DROP TABLE ${catalog.qualified(name)}`);
      await note({ name, rows: 0 });
      await transaction.commit();
      this.#tables.remove(name);
      return { rows };
    });
  }

  /** @param reason what the caller is told instead of `query_cancelled` */
  interrupt(reason?: MayflyError): void {
    this.#running?.interrupt(reason);
  }

  /** Resolves once a commit under way, if any, has ended: from then on no row comes or goes (I5). */
  async seal(): Promise<void> {
    this.#sealed = true;
    this.interrupt();
    await this.#last;
  }

  /**
   * All tables go at once, with the catalog they are in. A repeat answers the same receipt; one that failed is tried
   * again, with the rows that were counted while there was something to count (I4).
   */
  async drop(token: number): Promise<DropReceipt> {
    await this.seal();
    const leave = await this.#enter(true);
    try {
      this.#receipt ??= await this.#dropAll(token);
      return this.#receipt;
    } finally {
      leave();
    }
  }

  async #dropAll(token: number): Promise<DropReceipt> {
    // A drop that failed has no tables left to count. A count that failed may do better now.
    if (this.#counts?.counted !== 'exact') this.#counts = await this.#countTables();
    const erasure = await this.#pool.release(this.#sandbox);
    return { token, ...this.#counts, surviving: [], erasure: { ...erasure, journal: 'no_row_data' } };
  }

  /** DuckDB is asked where a commit may not have been heard of. No deletion waits for a count that fails: the record says what is known (I6). */
  async #countTables(): Promise<Counts> {
    if (this.#allWentWell) return { dropped: this.#tables.counts, counted: 'exact' };
    const dropped: TableCount[] = [];
    let counted: Counts['counted'] = 'exact';
    for (const name of this.#tables.names) {
      const rows = await catalog.countRows(this.#connection, name).catch(() => undefined);
      if (rows === undefined) counted = 'last_acknowledged';
      dropped.push({ name, rows: rows ?? this.#tables.get(name).rows });
    }
    return { dropped, counted };
  }

  async #createFrom(name: LogicalName, origin: TableOrigin, primaryKey: readonly string[], transaction: Transaction): Promise<TableDescription> {
    if (origin.kind === 'query') {
      await this.#createAs(name, origin.query, primaryKey, transaction);
    } else if (origin.kind === 'columns') {
      const columns = await this.#judged(origin.columns, primaryKey);
      transaction.check();
      await this.#createEmpty(name, columns, primaryKey);
      return { name, columns, primaryKey, rows: 0 };
    } else {
      const input = await openArrowStream(origin.body, this.#options);
      await transaction.begin();
      await this.#createEmpty(name, input.columns, primaryKey);
      await appendArrow(this.#connection, { name, columns: input.columns }, input, transaction);
    }
    const columns = await catalog.readColumns(this.#connection, name);
    return { name, columns, primaryKey, rows: await catalog.countRows(this.#connection, name) };
  }

  async #createAs(name: LogicalName, query: string, primaryKey: readonly string[], transaction: Transaction): Promise<void> {
    const { sql } = await this.#policy.judgeSelect({ query, session: this.#options.session, tables: this.#tables.names });
    await transaction.begin();
    await this.#connection.run(`CREATE TABLE ${catalog.qualified(name)} AS ${sql}`);
    if (primaryKey.length === 0) return;
    catalog.checkPrimaryKey(await catalog.readColumns(this.#connection, name), primaryKey);
    await this.#connection.run(`ALTER TABLE ${catalog.qualified(name)} ADD ${catalog.primaryKeyClause(primaryKey)}`);
  }

  async #createEmpty(name: LogicalName, columns: readonly ColumnView[], primaryKey: readonly string[]): Promise<void> {
    catalog.checkColumns(columns);
    catalog.checkPrimaryKey(columns, primaryKey);
    const definitions = columns.map((column) => `${catalog.quoted(column.name)} ${column.type}${column.nullable ? '' : ' NOT NULL'}`);
    if (primaryKey.length > 0) definitions.push(catalog.primaryKeyClause(primaryKey));
    await this.#connection.run(`CREATE TABLE ${catalog.qualified(name)} (${definitions.join(', ')})`);
  }

  /** Types in JSON may smuggle DDL: the policy gives them back in their canonical form or refuses them (I7). */
  async #judged(columns: readonly ColumnSpec[], primaryKey: readonly string[]): Promise<ColumnView[]> {
    const judged: ColumnView[] = [];
    for (const { name, type, nullable } of columns) {
      judged.push({ name, type: await this.#policy.judgeType(type, name), nullable: (nullable ?? true) && !primaryKey.includes(name) });
    }
    return judged;
  }

  async #work<T>(doing: 'insert' | 'statement', work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const leave = await this.#enter();
    const transaction = this.#start(doing);
    try {
      transaction.check();
      return await work(transaction);
    } catch (error) {
      await transaction.rollback();
      throw transaction.explain(error);
    } finally {
      this.#end(transaction, leave);
    }
  }

  #start(doing: 'insert' | 'statement'): Transaction {
    this.#running = new Transaction(this.#sandbox, doing, () => this.#sealed || this.#options.isFenced());
    return this.#running;
  }

  #end(transaction: Transaction, leave: () => void): void {
    if (this.#running === transaction) this.#running = undefined;
    this.#allWentWell &&= !transaction.undone;
    leave();
  }

  /** One piece of work at a time: a second query on a connection would interrupt the first. */
  async #enter(toDrop = false): Promise<() => void> {
    const before = this.#last;
    let leave = (): void => undefined;
    this.#last = new Promise<void>((resolve) => {
      leave = resolve;
    });
    await before;
    if (this.#sealed && !toDrop) {
      leave();
      throw sealed();
    }
    return leave;
  }

  #parquetWork(transaction: Transaction): ParquetWork {
    return { connection: this.#connection, transaction, scratch: this.#sandbox.scratch };
  }

  get #connection(): Sandbox['connection'] {
    return this.#sandbox.connection;
  }
}

async function* changedRows(changed: number, format: StreamedFormat): AsyncGenerator<Uint8Array, void, void> {
  if (format === 'json') {
    yield Buffer.from(JSON.stringify({ rows_changed: changed }));
    return;
  }
  const chunk = DuckDBDataChunk.create([BIGINT]);
  chunk.setRows([[BigInt(changed)]]);
  const one = async function* (): AsyncGenerator<DuckDBDataChunk> {
    yield chunk;
  };
  yield* ROW_ENCODERS[format]([{ name: 'rows_changed', type: BIGINT }], one());
}
