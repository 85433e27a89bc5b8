/** Durations of one kind of run, summed up. */
export interface Summary {
  readonly runs: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** Runs finished a second, over the wall time of the whole measurement. */
  readonly rate_per_s: number;
}

/** @param samplesMs at least one duration; @param wallMs time from the first start to the last end */
export function summarise(samplesMs: readonly number[], wallMs: number): Summary {
  const sorted = samplesMs.toSorted((a, b) => a - b);
  return {
    runs: sorted.length,
    p50_ms: rounded(percentile(sorted, 0.5)),
    p99_ms: rounded(percentile(sorted, 0.99)),
    rate_per_s: rounded((sorted.length / wallMs) * 1_000),
  };
}

/** The nearest rank: a value that was really measured. */
function percentile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  if (value === undefined) throw new Error('There is nothing to sum up: no run was made');
  return value;
}

export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

export interface Timed {
  readonly samplesMs: readonly number[];
  readonly wallMs: number;
}

/** Runs `once` `runs` times, `inFlight` at a time. A failed run fails the measurement. */
export async function timeRuns(runs: number, inFlight: number, once: () => Promise<void>): Promise<Timed> {
  const samplesMs: number[] = [];
  let started = 0;
  const lane = async (): Promise<void> => {
    while (started < runs) {
      started += 1;
      const from = performance.now();
      await once();
      samplesMs.push(performance.now() - from);
    }
  };
  const from = performance.now();
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { samplesMs, wallMs: performance.now() - from };
}
