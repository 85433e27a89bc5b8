import type { Measurement } from './result-file.ts';
import { rounded, summarise, timeRuns } from './statistics.ts';
import type { Subject, Workload } from './workloads.ts';

/** Subjects take turns in this many rounds, so that a slow minute of the machine hits them all. */
const ROUNDS = 5;

/** Every subject of a workload, at so many runs in flight. */
export async function measure(workload: Workload, inFlight: number): Promise<readonly Measurement[]> {
  const samples = new Map<Subject, { ms: number[]; wallMs: number }>(workload.subjects.map((subject) => [subject, { ms: [], wallMs: 0 }]));
  const runs = Math.ceil(workload.runs / ROUNDS);
  for (const { name, once } of workload.subjects) {
    process.stderr.write(`${workload.id}, ${inFlight} in flight, warming up: ${name}\n`);
    await timeRuns(workload.warmUpRuns ?? runs, inFlight, once);
  }
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const [subject, taken] of samples) {
      process.stderr.write(`${workload.id}, ${inFlight} in flight, round ${round} of ${ROUNDS}: ${subject.name}\n`);
      const { samplesMs, wallMs } = await timeRuns(runs, inFlight, subject.once);
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
