import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import path from 'node:path';
import type { ManySessions } from './many-sessions.ts';
import type { Summary } from './statistics.ts';

/** One line of the table: a workload, who ran it, and how many runs were in flight. */
export interface Measurement extends Summary {
  readonly workload: string;
  readonly title: string;
  readonly subject: string;
  readonly in_flight: number;
  /** Where a run moves rows. */
  readonly rows_per_s?: number;
}

/** Where and with what figures were taken. */
export interface RunDescription {
  readonly taken_at: string;
  readonly command: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memory_bytes: number; readonly system: string };
  readonly versions: Readonly<Record<string, string>>;
}

export interface BenchResult extends RunDescription {
  readonly measurements: readonly Measurement[];
  readonly many_sessions?: ManySessions;
}

const require = createRequire(import.meta.url);

export function describeRun(command: string, others: Readonly<Record<string, string>> = {}): RunDescription {
  const cores = cpus();
  return {
    taken_at: new Date().toISOString(),
    command,
    machine: { cpu: cores[0]?.model.trim() ?? 'unknown', cores: cores.length, memory_bytes: totalmem(), system: `${platform()} ${release()} ${arch()}` },
    versions: { mayfly: versionOf('mayfly'), node: process.versions.node, '@duckdb/node-api': versionOf('@duckdb/node-api'), ...others },
  };
}

/** @returns the file written */
export async function writeResult<Result extends RunDescription>(name: string, result: Result): Promise<string> {
  const folder = path.resolve('bench/results');
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `${name}.json`);
  await writeFile(file, `${JSON.stringify(result, undefined, 2)}\n`);
  return file;
}

function versionOf(name: string): string {
  // Some packages do not export their package.json, so its folder is found by the main module.
  const main = name === 'mayfly' ? require.resolve('mayfly/package.json') : require.resolve(name);
  const folder = name === 'mayfly' ? path.dirname(main) : main.slice(0, main.lastIndexOf(path.normalize(name)) + name.length);
  const { version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { version: string };
  return version;
}
