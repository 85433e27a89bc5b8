import type { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api';

/** The steps every transaction takes, prepared once for a connection: that halves what each costs. */
export class PreparedSteps {
  readonly #begin: DuckDBPreparedStatement;
  readonly #probe: DuckDBPreparedStatement;
  readonly #commit: DuckDBPreparedStatement;

  private constructor(begin: DuckDBPreparedStatement, probe: DuckDBPreparedStatement, commit: DuckDBPreparedStatement) {
    this.#begin = begin;
    this.#probe = probe;
    this.#commit = commit;
  }

  static async on(connection: DuckDBConnection): Promise<PreparedSteps> {
    return new PreparedSteps(await connection.prepare('BEGIN'), await connection.prepare('SELECT 1'), await connection.prepare('COMMIT'));
  }

  async begin(): Promise<void> {
    await this.#begin.run();
  }

  /** @throws when the transaction is aborted */
  async probe(): Promise<void> {
    await this.#probe.run();
  }

  async commit(): Promise<void> {
    await this.#commit.run();
  }

  destroy(): void {
    for (const statement of [this.#begin, this.#probe, this.#commit]) statement.destroySync();
  }
}
