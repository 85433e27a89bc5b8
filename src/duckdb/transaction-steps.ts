import type { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api';

type Step = 'BEGIN' | 'SELECT 1' | 'COMMIT';

/** The steps of a connection's transactions. Prepared, each costs half; to prepare it costs as much as to run it once. */
export class TransactionSteps {
  readonly #connection: DuckDBConnection;
  readonly #taken = new Set<Step>();
  readonly #prepared = new Map<Step, DuckDBPreparedStatement>();

  constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  begin(): Promise<void> {
    return this.#take('BEGIN');
  }

  /** @throws when the transaction is aborted */
  probe(): Promise<void> {
    return this.#take('SELECT 1');
  }

  commit(): Promise<void> {
    return this.#take('COMMIT');
  }

  destroy(): void {
    for (const statement of this.#prepared.values()) statement.destroySync();
  }

  /** Many a session takes each step once, so that only the second time is it prepared. */
  async #take(step: Step): Promise<void> {
    if (this.#taken.has(step)) {
      await (await this.#statement(step)).run();
    } else {
      this.#taken.add(step);
      await this.#connection.run(step);
    }
  }

  async #statement(step: Step): Promise<DuckDBPreparedStatement> {
    const ready = this.#prepared.get(step) ?? (await this.#connection.prepare(step));
    this.#prepared.set(step, ready);
    return ready;
  }
}
