import { BIGINT, DOUBLE, DuckDBDataChunk, DuckDBInstance, VARCHAR } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import { ORDER_AMOUNTS, ORDER_BUYERS, ORDER_IDS, ORDER_SUMMARY, checkSummary } from './orders.ts';

/** What somebody would write without Mayfly: DuckDB in the same process, no wall, no record, no bound. */

/** W1 with an instance of DuckDB per session: the isolation that comes nearest to a session's. */
export async function instancePerSession(): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  try {
    const connection = await instance.connect();
    try {
      await ordersIn(connection, 'main');
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

/** W1 with an attached in-memory database per session: cheaper, and every session can read every other. */
export function attachedPerSession(instance: DuckDBInstance): () => Promise<void> {
  let sessions = 0;
  return async () => {
    sessions += 1;
    const catalog = `session_${sessions}`;
    const connection = await instance.connect();
    try {
      await connection.run(`ATTACH ':memory:' AS ${catalog}`);
      await connection.run(`USE ${catalog}`);
      await ordersIn(connection, 'main');
      await connection.run('USE memory');
      await connection.run(`DETACH ${catalog}`);
    } finally {
      connection.closeSync();
    }
  };
}

async function ordersIn(connection: DuckDBConnection, schema: string): Promise<void> {
  await connection.run('CREATE TABLE orders (id BIGINT PRIMARY KEY, amount DOUBLE, buyer VARCHAR)');
  const chunk = DuckDBDataChunk.create([BIGINT, DOUBLE, VARCHAR]);
  chunk.setColumns([ORDER_IDS, ORDER_AMOUNTS, ORDER_BUYERS]);
  const appender = await connection.createAppender('orders', schema);
  appender.appendDataChunk(chunk);
  appender.closeSync();
  const summary = await connection.runAndReadAll(ORDER_SUMMARY);
  checkSummary(summary.getRows()[0]);
}

/** W4: the statement alone, on a connection that is open. */
export function selectOnConnection(connection: DuckDBConnection): () => Promise<void> {
  return async () => {
    const result = await connection.runAndReadAll('SELECT 42');
    if (result.getRows()[0]?.[0] !== 42) throw new Error('SELECT 42 did not answer 42');
  };
}
