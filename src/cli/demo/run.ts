import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MayflyError } from '../../domain/errors.ts';
import type { LifecycleEntry } from '../../domain/gateway.ts';
import { Mayfly } from '../../mayfly.ts';
import type { SessionHandle } from '../../client/session-handle.ts';
import type { Bar } from './drawing.ts';
import { inSlices, readFlights } from './flights.ts';
import type { Loaded } from './flights.ts';
import { CHART, FORBIDDEN, QUESTIONS } from './questions.ts';
import type { Figures, Question } from './questions.ts';

const SLICE_ROWS = 10_000;

export interface Answer extends Question {
  readonly rows: readonly Figures[];
  readonly elapsedMs: number;
}

export interface Opened {
  readonly session: string;
  readonly tenant: string;
  readonly elapsedMs: number;
}

export interface Wall {
  readonly statement: string;
  readonly code: string;
  readonly message: string;
}

/** What the demo shows, scene by scene, as it happens. Times are in ms. */
export interface Stage {
  opened(scene: Opened): Promise<void>;
  /** Called for every slice the session took. */
  loading(sofar: Loaded & { readonly of: number; readonly elapsedMs: number }): void;
  loaded(scene: Loaded & { readonly elapsedMs: number }): Promise<void>;
  answered(scene: Answer): Promise<void>;
  charted(scene: { readonly title: string; readonly bars: readonly Bar[] }): Promise<void>;
  refused(scene: Wall): Promise<void>;
  ended(scene: { readonly records: readonly LifecycleEntry[]; readonly elapsedMs: number }): Promise<void>;
}

/** A session's whole life on real data, in a data folder that lasts as long as the demo. Aborting cancels what runs. */
export async function runDemo(stage: Stage, signal: AbortSignal): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'mayfly-demo-'));
  try {
    const elapsed = stopwatch();
    await using mayfly = await Mayfly.open({ dataDir, spareWorkers: 0 });
    const acme = mayfly.tenant('acme');
    await using session = await acme.openSession({ timeout: '10m', labels: { purpose: 'demo' }, signal });
    await stage.opened({ session: session.id, tenant: session.tenant, elapsedMs: elapsed() });
    await load(session, stage, signal);
    for (const question of QUESTIONS) await answer(session, question, stage, signal);
    const bars = await session.rows<{ readonly label: string; readonly value: number }>('flights', CHART.query, { signal });
    await stage.charted({ title: CHART.title, bars });
    await stage.refused(await meetTheWall(session, signal));
    const closing = stopwatch();
    await session.close();
    const elapsedMs = closing();
    const records: LifecycleEntry[] = [];
    for await (const entry of acme.lifecycle({ sessionId: session.id })) records.push(entry);
    await stage.ended({ records, elapsedMs });
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function load(session: SessionHandle, stage: Stage, signal: AbortSignal): Promise<void> {
  const flights = await readFlights();
  await session.createTable('flights', flights.schema, { signal });
  const elapsed = stopwatch();
  let bytes = 0;
  const slices = inSlices(flights, SLICE_ROWS, (sofar) => {
    ({ bytes } = sofar);
    stage.loading({ ...sofar, of: flights.rows, elapsedMs: elapsed() });
  });
  const rows = await session.insert('flights', slices, { signal });
  await stage.loaded({ rows, bytes, elapsedMs: elapsed() });
}

async function answer(session: SessionHandle, question: Question, stage: Stage, signal: AbortSignal): Promise<void> {
  const elapsed = stopwatch();
  const rows = await session.rows<Figures>('flights', question.query, { signal });
  await stage.answered({ ...question, rows, elapsedMs: elapsed() });
}

/** @throws Error when the wall lets the statement through: then the demo has failed */
async function meetTheWall(session: SessionHandle, signal: AbortSignal): Promise<Wall> {
  try {
    await session.sql(FORBIDDEN, { signal });
  } catch (error) {
    if (error instanceof MayflyError && error.code === 'statement_not_allowed') return { statement: FORBIDDEN, code: error.code, message: error.message };
    throw error;
  }
  throw new Error('A statement that reads files was let through');
}

function stopwatch(): () => number {
  const startedMs = performance.now();
  return () => performance.now() - startedMs;
}
