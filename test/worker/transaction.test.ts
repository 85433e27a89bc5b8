import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Transaction } from '../../src/duckdb/transaction.ts';
import { TransactionSteps } from '../../src/duckdb/transaction-steps.ts';

let instance: DuckDBInstance;
let connection: DuckDBConnection;
let steps: TransactionSteps;

beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:');
  connection = await instance.connect();
  steps = new TransactionSteps(connection);
});
afterAll(() => {
  steps.destroy();
  connection.closeSync();
  instance.closeSync();
});

/** Takes several times the pulse by which an interrupt is repeated. */
async function longWork(): Promise<unknown> {
  const result = await connection.run('SELECT count(*)::INTEGER FROM range(10000000) t(i) WHERE i % 2 = 0');
  return (await result.getRows())[0]?.[0];
}

const transactionOn = (isSealed = false): Transaction => new Transaction({ connection, steps }, 'insert', () => isSealed);

describe('a transaction', () => {
  it('commits all of several steps, or none of them', async () => {
    const kept = transactionOn();
    await kept.begin();
    await connection.run('CREATE TABLE kept (i INTEGER)');
    await kept.commit();
    const left = transactionOn();
    await left.begin();
    await connection.run('CREATE TABLE "left" (i INTEGER)');
    await left.rollback();
    const names = await (await connection.run('SELECT table_name FROM duckdb_tables()')).getRows();
    expect(names).toEqual([['kept']]);
  });

  it.each([1, 2, 3])('does not commit what was aborted, the %i. time on its connection neither (I8)', async () => {
    const transaction = transactionOn();
    await transaction.begin();
    await expect(connection.run("SELECT error('aborts')")).rejects.toThrow('aborts');
    await expect(transaction.commit()).rejects.toThrow('aborted');
    await transaction.rollback();
    expect(await longWork()).toBe(5_000_000);
  });

  it('commits nothing once sealed (I5)', async () => {
    await expect(transactionOn(true).begin()).rejects.toMatchObject({ code: 'lease_lost' });
  });

  it.each(['several steps', 'a single step'])('of %s takes its interrupts along when it is over', async (what) => {
    const transaction = transactionOn();
    if (what === 'several steps') await transaction.begin();
    await connection.run('SELECT 1');
    transaction.interrupt();
    const ended = what === 'several steps' ? transaction.rollback() : transaction.commit();
    await ended;
    expect(await longWork()).toBe(5_000_000);
  });
});
