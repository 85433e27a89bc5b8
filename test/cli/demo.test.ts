import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './run-cli.ts';

interface Flight {
  readonly delay: number;
  readonly distance: number;
  readonly time: number;
}

const file = join(dirname(createRequire(import.meta.url).resolve('vega-datasets')), '../data/flights-200k.arrow');
const column = (name: string): ArrayLike<number> => tableFromIPC(readFileSync(file)).getChild(name)?.toArray() as ArrayLike<number>;
const [delays, distances, times] = [column('delay'), column('distance'), column('time')];
const flights: readonly Flight[] = Array.from(delays, (delay, i) => ({ delay, distance: distances[i] ?? NaN, time: times[i] ?? NaN }));

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const percent = (of: readonly Flight[], test: (flight: Flight) => boolean): number => (100 * of.filter(test).length) / of.length;
const delaysOf = (of: readonly Flight[]): number[] => of.map((flight) => flight.delay);

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'demo-test-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe('mayfly demo --json', () => {
  interface Shown {
    readonly session_id: string;
    readonly tenant_id: string;
    readonly loaded: { readonly rows: number; readonly bytes: number };
    readonly answers: readonly { readonly rows: readonly Record<string, number | string>[] }[];
    readonly chart: { readonly bars: readonly { readonly label: string; readonly value: number }[] };
    readonly wall: { readonly code: string };
    readonly records: readonly { readonly record: Record<string, unknown> }[];
  }
  let shown: Shown;
  beforeAll(async () => {
    const { code, stdout, stderr } = await runCli(['demo', '--json'], { TMPDIR: scratch });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    shown = JSON.parse(stdout) as Shown;
  }, 60_000);

  it('loads every flight, and the last record accounts for every one of them', () => {
    expect(shown.loaded).toMatchObject({ rows: flights.length, bytes: flights.length * 8 });
    expect(shown.tenant_id).toBe('acme');
    expect(shown.records.map(({ record }) => record['event'])).toEqual(['opened', 'closed']);
    const last = shown.records.at(-1)?.record;
    expect(last).toMatchObject({ session_id: shown.session_id, ephemeral_table_count: 1, deleted_row_count: flights.length });
    expect(last?.['details']).toMatchObject({ reason: 'close', counted: 'exact' });
  });

  it('names the worst hours with their true figures', () => {
    const hours = Array.from({ length: 24 }, (_, hour) => ({ hour, of: flights.filter((flight) => Math.floor(flight.time) === hour) }));
    const busy = hours.filter(({ of }) => of.length >= 1_000).map(({ hour, of }) => ({ hour, of, mean: mean(delaysOf(of)) }));
    const worst = busy.toSorted((a, b) => b.mean - a.mean).slice(0, 6);
    const rows = shown.answers[0]?.rows ?? [];
    expect(rows.map((row) => row['hour'])).toEqual(worst.map(({ hour }) => `${String(hour).padStart(2, '0')}:00`));
    worst.forEach(({ of, mean: expected }, i) => {
      expect(rows[i]?.['flights']).toBe(of.length);
      expect(rows[i]?.['mean_delay']).toBeCloseTo(expected, 9);
      expect(rows[i]?.['late']).toBeCloseTo(
        percent(of, (flight) => flight.delay > 15),
        9,
      );
    });
    expect(shown.chart.bars.map((bar) => Number(bar.label))).toEqual(busy.map(({ hour }) => hour));
    shown.chart.bars.forEach((bar, i) => expect(bar.value).toBeCloseTo(busy[i]?.mean ?? NaN, 9));
  });

  it('tells by distance who makes up time', () => {
    const bounds = [0, 250, 500, 1_000, 1_500, 2_500, Infinity];
    const rows = shown.answers[1]?.rows ?? [];
    expect(rows).toHaveLength(bounds.length - 1);
    rows.forEach((row, i) => {
      const of = flights.filter(({ distance }) => distance >= (bounds[i] ?? NaN) && distance < (bounds[i + 1] ?? NaN));
      expect(row['flights']).toBe(of.length);
      expect(row['mean_delay']).toBeCloseTo(mean(delaysOf(of)), 9);
      expect(row['early']).toBeCloseTo(
        percent(of, (flight) => flight.delay < 0),
        9,
      );
    });
  });

  it('tells by time of day how likely a delay is', () => {
    const rows = shown.answers[2]?.rows ?? [];
    expect(rows).toHaveLength(6);
    rows.forEach((row, i) => {
      const of = flights.filter(({ time }) => Math.floor(time / 4) === i);
      expect(row['flights']).toBe(of.length);
      for (const minutes of [15, 60]) {
        expect(row[`over_${minutes}`]).toBeCloseTo(
          percent(of, (flight) => flight.delay > minutes),
          9,
        );
      }
    });
  });

  it('meets the wall, and leaves no folder behind', async () => {
    expect(shown.wall.code).toBe('statement_not_allowed');
    expect(await readdir(scratch)).toEqual([]);
  });
});

describe('mayfly demo', () => {
  it('fits tables and chart into 80 columns, shows its progress, and puts results alone on standard output', async () => {
    const { code, stdout, stderr } = await runCli(['demo'], { TMPDIR: scratch });
    expect(code).toBe(0);
    const drawn = stdout.split('\n').filter((line) => /[─│█]/.test(line));
    expect(drawn.length).toBeGreaterThan(40);
    for (const line of drawn) expect(line.length).toBeLessThanOrEqual(80);
    expect(stdout).toContain('Loaded 200,000 flights');
    expect(stdout).toContain('statement_not_allowed');
    expect(stderr).toContain('200,000 of 200,000 rows, 1.6 MB');
  }, 60_000);
});
