import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSandboxedSession, type SandboxedSession } from './sandboxed-session.ts';
import { USEFUL_STATEMENTS } from './useful-statements.ts';

let session: SandboxedSession;
beforeAll(async () => {
  session = await openSandboxedSession();
}, 60_000);
afterAll(() => session.close());

const ONE_ROW = [
  'SELECT 42',
  "SELECT upper('a'), now(), [1, 2, 3]",
  'SELECT (SELECT count(*) FROM readings)',
  'SELECT list(x) FROM (SELECT unnest([1, 2]) AS x)',
  'SELECT count(*) FROM readings',
  'SELECT count(*), sum(value) + 1 AS total, count(DISTINCT sensor) FROM readings WHERE value > 3',
  'SELECT CASE WHEN max(value) > 1 THEN 1 ELSE min(value) END FROM readings HAVING count(*) > 1',
  'FROM readings SELECT avg(value)',
  'SELECT sum(count(*)) OVER () FROM readings',
  'WITH r AS (FROM readings) SELECT max(id) FROM r LIMIT 3',
];

const ANY_NUMBER = [
  'SELECT * FROM readings',
  'SELECT unnest(range(1000000))',
  'SELECT unnest(list(id)) FROM readings',
  'SELECT unlist FROM (SELECT unnest(range(200)) AS unlist)',
  'SELECT generate_subscripts(range(1000), 1)',
  'SELECT max(value) OVER () FROM readings',
  'SELECT sensor, count(*) FROM readings GROUP BY sensor',
  'SELECT count(*) FROM readings GROUP BY ALL',
  'SELECT count(*) FROM readings GROUP BY id',
  'SELECT id FROM readings LIMIT 1',
  'SELECT id FROM readings LIMIT 50%',
  'SELECT id FROM readings LIMIT (SELECT 400)',
  'SELECT id FROM readings UNION ALL SELECT count(*) FROM readings',
  'SELECT (SELECT count(*) FROM prices), id FROM readings',
  'FROM range(1000)',
  'VALUES (1), (2)',
  'DESCRIBE readings',
  'SUMMARIZE readings',
];

describe('a statement', () => {
  it.each(ONE_ROW)('is known to yield one row: %s', async (sql) => {
    const verdict = await session.judge(sql);
    expect(verdict).toMatchObject({ kind: 'rows', oneRow: true });
    expect((await session.run(verdict.sql)).length).toBeLessThanOrEqual(1);
  });

  it.each(ANY_NUMBER)('may yield any number of rows: %s', async (sql) => {
    const verdict = await session.judge(sql);
    expect(verdict.oneRow).toBe(false);
    await session.run(verdict.sql);
  });

  it('of the honest ones yields one row at most where it is said to', async () => {
    let single = 0;
    for (const { sql, table } of USEFUL_STATEMENTS) {
      const verdict = await session.judge(sql, table);
      if (verdict.oneRow !== true) continue;
      single += 1;
      expect((await session.run(verdict.sql)).length, sql).toBeLessThanOrEqual(1);
    }
    expect(single).toBeGreaterThan(10);
  });
});
