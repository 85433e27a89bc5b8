import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import type { ScratchFolder } from './scratch-file.ts';
import { TransactionSteps } from './transaction-steps.ts';

export interface SandboxLimits {
  readonly memoryLimitBytes: number;
  /** Made by DuckDB when it first spills. */
  readonly spillDirectory: string;
  readonly spillMaxBytes: number;
  readonly threads: number;
}

/** `mutable.public` becomes the only user catalog and the default one. */
const ATTACH = ["ATTACH ':memory:' AS mutable", 'CREATE SCHEMA mutable.public', 'USE mutable.public'];

/** Those it has are built in; none comes from elsewhere, nor do credentials. */
const NO_EXTENSIONS = {
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  allow_community_extensions: 'false',
  allow_persistent_secrets: 'false',
} as const;

/** A locked DuckDB instance that holds one session at a time (I7). */
export class Sandbox {
  readonly #instance: DuckDBInstance;
  readonly #spillDirectory: string;
  readonly #spillMaxBytes: number;
  #connection: DuckDBConnection;
  #steps: TransactionSteps;
  /** Takes catalogs away and is no session's: a connection cannot detach the catalog that is its default. */
  #keeper: DuckDBConnection | undefined;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, { spillDirectory, spillMaxBytes }: SandboxLimits) {
    this.#instance = instance;
    this.#connection = connection;
    this.#steps = new TransactionSteps(connection);
    this.#spillDirectory = spillDirectory;
    this.#spillMaxBytes = spillMaxBytes;
  }

  /**
   * What an instance can be made with costs it nothing, and a statement each afterwards. The order of those is the one
   * that works: the spill limit is not enforced unless set after the folder, and nothing can be set after the lock.
   */
  static async create(limits: SandboxLimits): Promise<Sandbox> {
    const instance = await DuckDBInstance.create(':memory:', {
      ...NO_EXTENSIONS,
      errors_as_json: 'true',
      threads: String(limits.threads),
      memory_limit: `${limits.memoryLimitBytes}B`,
    });
    const connection = await instance.connect();
    await runAll(connection, [
      ...ATTACH,
      'DETACH memory',
      `SET temp_directory = '${limits.spillDirectory.replaceAll("'", "''")}'`,
      `SET max_temp_directory_size = '${limits.spillMaxBytes}B'`,
      'SET enable_external_access = false',
      'SET lock_configuration = true',
    ]);
    return new Sandbox(instance, connection, limits);
  }

  /** The session's own: what ends with it ends with the session. */
  get connection(): DuckDBConnection {
    return this.#connection;
  }

  get steps(): TransactionSteps {
    return this.#steps;
  }

  /** The one folder whose files the instance may read and write: DuckDB allows it on its own, the wall keeps statements off it. */
  get scratch(): ScratchFolder {
    return { directory: this.#spillDirectory, maxBytes: this.#spillMaxBytes };
  }

  /** Whether anything of it was written to disk, by DuckDB or as a file of rows. */
  get hasSpilled(): boolean {
    return existsSync(this.#spillDirectory);
  }

  /**
   * Ends all that a session had: its connection, with temporary tables and variables, and its catalog with every table.
   * @throws when its catalog could not be taken away
   */
  async empty(): Promise<void> {
    this.#steps.destroy();
    this.#connection.closeSync();
    this.#keeper ??= await this.#instance.connect();
    await this.#keeper.run('DETACH mutable');
  }

  /**
   * Gives the next session a connection of its own, and a catalog of the same name, which DuckDB refuses while the last
   * one's is there.
   */
  async furnish(): Promise<void> {
    this.#connection = await this.#instance.connect();
    this.#steps = new TransactionSteps(this.#connection);
    await runAll(this.#connection, ATTACH);
  }

  /** Closing the instance is what returns its memory to the system. Nothing may run on it. @returns whether it had spilled */
  async destroy(): Promise<boolean> {
    const spilled = this.hasSpilled;
    this.#steps.destroy();
    this.#connection.closeSync();
    this.#keeper?.closeSync();
    this.#instance.closeSync();
    if (spilled) await rm(this.#spillDirectory, { recursive: true, force: true, maxRetries: 3 });
    return spilled;
  }
}

/** In one call to DuckDB: each has its own cost. */
async function runAll(connection: DuckDBConnection, statements: readonly string[]): Promise<void> {
  await connection.run(statements.join(';\n'));
}
