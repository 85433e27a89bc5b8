import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MayflyError } from '../../src/domain/errors.ts';
import { mutatedSql, refusedCall } from './mutations.ts';
import { openSandboxedSession, type SandboxedSession } from './sandboxed-session.ts';

const SEED = Number(process.env['MAYFLY_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const INPUTS = 50_000;
const CALLS = 5_000;
/** Judging one statement of this size takes well under a millisecond; the rest is room for a busy machine. */
const JUDGE_MAX_MS = 5_000;
const RUN_MAX_MS = 100;
const CODES = new Set(['statement_not_allowed', 'query_error', 'invalid_request', 'unknown_table']);

let session: SandboxedSession;
beforeAll(async () => {
  process.stdout.write(`wall fuzz: MAYFLY_FUZZ_SEED=${SEED}\n`);
  session = await openSandboxedSession(5);
}, 60_000);
afterAll(() => session.close());

/** The verdict, or the refusal; anything else the wall throws is a bug. */
async function judged(sql: string): Promise<{ sql: string; kind: string } | MayflyError> {
  try {
    return await session.judge(sql, 'items');
  } catch (error) {
    if (error instanceof MayflyError && CODES.has(error.code)) return error;
    throw error;
  }
}

it(`answers ${INPUTS} mutated statements in time; what it lets through changes nothing but rows`, async () => {
  const before = await session.engineState();
  let passed = 0;
  let slowestMs = 0;
  await fc.assert(
    fc.asyncProperty(mutatedSql, async (sql) => {
      const start = performance.now();
      const verdict = await judged(sql);
      slowestMs = Math.max(slowestMs, performance.now() - start);
      if (verdict instanceof MayflyError) return;
      passed += 1;
      await session.runFor(verdict.sql, RUN_MAX_MS);
      // Reading the state takes longer than judging.
      if (passed % 25 === 0) expect(await session.engineState()).toBe(before);
    }),
    { numRuns: INPUTS, seed: SEED, endOnFailure: true },
  );
  process.stdout.write(`wall fuzz: ${passed} of ${INPUTS} passed, slowest judgement ${Math.round(slowestMs)} ms\n`);
  expect(passed).toBeGreaterThan(INPUTS / 50);
  expect(slowestMs).toBeLessThan(JUDGE_MAX_MS);
  expect(await session.engineState()).toBe(before);
}, 1_200_000);

it('the token scan of DML refuses every call that the parse tree of the same SELECT shows and the allowlist lacks', async () => {
  let refusedByTree = 0;
  await fc.assert(
    fc.asyncProperty(fc.oneof(refusedCall, mutatedSql), async (sql) => {
      const asSelect = await judged(sql);
      if (!(asSelect instanceof MayflyError) || asSelect.fields['function'] === undefined || /^\W*(insert|update|delete|explain)/i.test(sql)) return;
      refusedByTree += 1;
      expect(await judged(`INSERT INTO scratch ${sql}`)).toBeInstanceOf(MayflyError);
      expect(await judged(`UPDATE scratch SET label = (${sql.replace(/;\s*$/, '')})`)).toBeInstanceOf(MayflyError);
    }),
    { numRuns: CALLS, seed: SEED, endOnFailure: true },
  );
  expect(refusedByTree).toBeGreaterThan(CALLS / 10);
}, 600_000);
