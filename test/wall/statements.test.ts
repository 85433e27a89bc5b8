import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MayflyError } from '../../src/domain/errors.ts';
import { HOSTILE_STATEMENTS, HOSTILE_TYPES, USEFUL_TYPES } from './hostile-statements.ts';
import { openSandboxedSession, SESSION, type SandboxedSession } from './sandboxed-session.ts';
import { USEFUL_STATEMENTS } from './useful-statements.ts';

const REFUSALS = ['statement_not_allowed', 'query_error', 'invalid_request'];
let session: SandboxedSession;
beforeAll(async () => {
  session = await openSandboxedSession();
}, 60_000);
afterAll(() => session.close());

async function refusal(work: () => Promise<unknown>): Promise<MayflyError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof MayflyError) return error;
    throw error;
  }
  throw new Error('it passed the wall');
}

describe('honest statements', () => {
  it('are many', () => expect(USEFUL_STATEMENTS.length).toBeGreaterThanOrEqual(60));

  it.each(USEFUL_STATEMENTS)('$name works', async ({ sql, table, firstRow, kind }) => {
    const verdict = await session.judge(sql, table);
    expect(verdict.kind).toBe(kind ?? 'rows');
    const rows = await session.run(verdict.sql);
    expect(rows.length).toBeGreaterThan(0);
    if (firstRow !== undefined) expect(rows[0]?.slice(0, firstRow.length)).toEqual(firstRow);
    if (kind === 'dml') expect(Number(rows[0]?.[0])).toBeGreaterThan(0);
  });

  it.each(USEFUL_TYPES)('the type %s means %s', async (type, canonical) => {
    await expect(session.policy.judgeType(type)).resolves.toBe(canonical);
  });
});

describe('hostile statements', () => {
  it('are many', () => expect(HOSTILE_STATEMENTS.length).toBeGreaterThanOrEqual(60));

  it.each(HOSTILE_STATEMENTS)('$group: $sql', async ({ sql, table }) => {
    const before = await session.engineState();
    const error = await refusal(async () => {
      const { sql: passed } = await session.judge(sql, table);
      // What the wall leaves to the binder must fail there, like any name that does not exist.
      await session.run(passed).catch((cause: unknown) => {
        throw new MayflyError('query_error', (cause as Error).message);
      });
    });
    expect(REFUSALS).toContain(error.code);
    expect(await session.engineState()).toBe(before);
  });

  it.each(HOSTILE_TYPES)('as a type: %s', async (type) => {
    const error = await refusal(() => session.policy.judgeType(type, 'columns[0].type'));
    expect(['invalid_request', 'unsupported_type']).toContain(error.code);
    expect(error.fields['field']).toBe('columns[0].type');
  });

  it("answers alike for another session's table and for one that never was (I7)", async () => {
    const id = (hex: string) => `__eph_${hex}_items`;
    const answers = await Promise.all([id('0'.repeat(32)), id('f'.repeat(32))].map((name) => refusal(() => session.judge(`SELECT * FROM "${name}"`))));
    const shapes = answers.map(({ code, message, fields }) => JSON.stringify([code, message.replaceAll(/_[0f]{32}_/g, '_x_'), fields]));
    expect(shapes[0]).toBe('["query_error","Catalog Error: Table with name __eph_x_items does not exist!",{}]');
    expect(shapes[1]).toBe(shapes[0]);
  });

  it('names the statement or the function it refuses', async () => {
    expect((await refusal(() => session.judge('CREATE TABLE x (i INT)'))).fields).toEqual({ statement: 'CREATE' });
    expect((await refusal(() => session.judge("SELECT getenv('HOME')"))).fields).toEqual({ function: 'getenv' });
    expect((await refusal(() => session.judge('SELECT * FROM {table}'))).fields).toEqual({ field: 'table' });
    expect((await refusal(() => session.judge('SELECT * FROM {nope}'))).fields).toEqual({ name: 'nope' });
  });

  it('makes tables from queries alone', async () => {
    for (const query of ['DELETE FROM scratch', 'EXPLAIN SELECT 1', 'DELETE FROM scratch RETURNING *', 'DROP TABLE items']) {
      const error = await refusal(() => session.policy.judgeSelect({ query, session: SESSION, tables: session.tables }));
      expect(error.code).toBe('statement_not_allowed');
    }
  });
});
