import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';

/** An instance made ahead: it has its catalog, and is not locked yet. */
export interface PreparedInstance {
  readonly instance: DuckDBInstance;
  readonly connection: DuckDBConnection;
}

export interface SandboxLimits {
  readonly memoryLimitBytes: number;
  /** Made by DuckDB when it first spills. */
  readonly spillDirectory: string;
  readonly spillMaxBytes: number;
  readonly threads: number;
}

/** What can be done before the session is known. `mutable.public` becomes the only user catalog and the default one. */
export async function prepareInstance(): Promise<PreparedInstance> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await runAll(connection, [
    'SET autoinstall_known_extensions = false',
    'SET autoload_known_extensions = false',
    'SET allow_community_extensions = false',
    'SET allow_persistent_secrets = false',
    "ATTACH ':memory:' AS mutable",
    'CREATE SCHEMA mutable.public',
    'USE mutable.public',
    'DETACH memory',
    'SET errors_as_json = true',
  ]);
  return { instance, connection };
}

/**
 * Gives the instance its session's limits and locks it (I7). The order is the one that works: the spill limit is not
 * enforced unless set after the folder, and nothing can be set after the lock.
 */
export async function lockInstance(connection: DuckDBConnection, limits: SandboxLimits): Promise<void> {
  await runAll(connection, [
    `SET temp_directory = '${limits.spillDirectory.replaceAll("'", "''")}'`,
    `SET max_temp_directory_size = '${limits.spillMaxBytes}B'`,
    `SET threads = ${limits.threads}`,
    `SET memory_limit = '${limits.memoryLimitBytes}B'`,
    'SET enable_external_access = false',
    'SET lock_configuration = true',
  ]);
}

async function runAll(connection: DuckDBConnection, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await connection.run(statement);
}
