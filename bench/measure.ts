import type { Measurement } from './result-file.ts';
import { rounded, summarise, timeRuns } from './statistics.ts';
import type { Subject, Workload } from './workloads.ts';

/** Subjects take turns in this many rounds, so that a slow minute of the machine hits them all. */
const ROUNDS = 5;
const WARM_UP_RUNS_MAX = 10;

/** Every subject of a workload, at so many runs in flight. */
export async function measure(workload: Workload, inFlight: number): Promise<readonly Measurement[]> {
  const samples = new Map<Subject, { ms: number[]; wallMs: number }>(workload.subjects.map((subject) => [subject, { ms: [], wallMs: 0 }]));
  for (const { once } of workload.subjects) await timeRuns(Math.min(WARM_UP_RUNS_MAX, Math.ceil(workload.runs / ROUNDS)), inFlight, once);
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const [subject, taken] of samples) {
      process.stderr.write(`${workload.id}, ${inFlight} in flight, round ${round} of ${ROUNDS}: ${subject.name}\n`);
      const { samplesMs, wallMs } = await timeRuns(Math.ceil(workload.runs / ROUNDS), inFlight, subject.once);
      taken.ms.push(...samplesMs);
      taken.wallMs += wallMs;
    }
  }
  return [...samples].map(([{ name, rows }, { ms, wallMs }]) => {
    const summary = summarise(ms, wallMs);
    const rate = rows === undefined ? {} : { rows_per_s: rounded((rows * 1_000) / summary.p50_ms) };
    return { workload: workload.id, title: workload.title, subject: name, in_flight: inFlight, ...summary, ...rate };
  });
}
