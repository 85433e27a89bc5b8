import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSessionId } from '../../src/domain/ids.ts';
import { parseLogicalName, type LogicalName } from '../../src/domain/table-name.ts';
import { Sandbox } from '../../src/duckdb/sandbox.ts';
import { createSqlPolicy, type SqlPolicy, type Verdict } from '../../src/duckdb/sql-policy.ts';
import { USEFUL_TABLES } from './useful-statements.ts';

export const SESSION = parseSessionId('11111111-2222-4333-8444-555555555555');

export interface SandboxedSession {
  readonly policy: SqlPolicy;
  readonly tables: readonly LogicalName[];
  judge(query: string, table?: string): Promise<Verdict>;
  /** Runs a text as it is, past the wall; rows as texts, null for NULL. */
  run(sql: string): Promise<(string | null)[][]>;
  /** Like `run`, interrupted after `maxMs`; failures do not matter. */
  runFor(sql: string, maxMs: number): Promise<void>;
  /** Everything a statement could have changed for later ones: settings, catalogs, logging, the tables' names. */
  engineState(): Promise<string>;
  close(): Promise<void>;
}

/** A real instance, made and locked as a slot is, that holds `USEFUL_TABLES`, or the first `rowsMax` rows of each. */
export async function openSandboxedSession(rowsMax?: number): Promise<SandboxedSession> {
  const spill = mkdtempSync(join(tmpdir(), 'mayfly-wall-'));
  const policy = await createSqlPolicy();
  const sandbox = await Sandbox.create({ memoryLimitBytes: 256e6, spillDirectory: join(spill, 'spill'), spillMaxBytes: 256e6, threads: 1 });
  const { connection } = sandbox;
  const tables = USEFUL_TABLES.map(({ name }) => parseLogicalName(name));
  for (const { name, query } of USEFUL_TABLES) {
    const { sql } = await policy.judgeSelect({ query, session: SESSION, tables });
    await connection.run(`CREATE TABLE "${name}" AS FROM (${sql})${rowsMax === undefined ? '' : ` LIMIT ${rowsMax}`}`);
  }
  const run = async (sql: string) => {
    const reader = await connection.runAndReadAll(sql);
    return reader.getRows().map((row) => row.map((value) => (value === null ? null : String(value))));
  };
  return {
    policy,
    tables,
    run,
    judge: (query, table) => policy.judge({ query, session: SESSION, tables, ...(table === undefined ? {} : { table: parseLogicalName(table) }) }),
    runFor: async (sql, maxMs) => {
      const timer = setTimeout(() => connection.interrupt(), maxMs);
      await run(sql).then(
        () => undefined,
        () => undefined,
      );
      clearTimeout(timer);
    },
    engineState: async () =>
      JSON.stringify([
        await run('SELECT name, value FROM duckdb_settings() ORDER BY name'),
        await run('SELECT database_name, path, internal FROM duckdb_databases() ORDER BY 1'),
        await run('SELECT schema_name, table_name FROM duckdb_tables() ORDER BY ALL'),
        await run('SELECT count(*) FROM duckdb_functions()'),
        await run('SELECT count(*) FROM duckdb_logs()'),
        await run('SELECT current_database(), current_schema()'),
      ]),
    close: async () => {
      await sandbox.destroy();
      await policy.close();
      rmSync(spill, { recursive: true, force: true });
    },
  };
}
