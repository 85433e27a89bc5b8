import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A program the tests run, by any of its names, and the Debian package that brings it. */
export interface Program {
  readonly names: readonly string[];
  readonly debian: string;
}

export interface Machine {
  /** Where programs are looked for. */
  readonly folders: readonly string[];
  readonly isRoot: boolean;
  /** Path of what says whether an installed service may start; it is made for as long as an installation lasts. */
  readonly policyFile: string;
}

const PROGRAMS: readonly Program[] = [
  { names: ['redis-server'], debian: 'redis-server' },
  { names: ['nats-server'], debian: 'nats-server' },
  { names: ['curl'], debian: 'curl' },
  { names: ['python3'], debian: 'python3-venv' },
  { names: ['chromium', 'chromium-browser', 'google-chrome'], debian: 'chromium' },
];
const UPDATE_MS_MAX = 180_000;
/** Chromium and what it needs are some hundred megabytes. */
const INSTALL_MS_MAX = 900_000;
const FLAGS = ['-q', '-y', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=3'];
/** Debian's servers start when they are installed, on the ports everybody uses; the tests start their own. */
const NO_SERVICES = '#!/bin/sh\nexit 101\n';

/** The servers and the browser that tests run, installed once where that can be done without asking. */
export default function setup(): void {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin'];
  providePrograms(PROGRAMS, { folders: folders.filter((folder) => folder !== ''), isRoot: process.getuid?.() === 0, policyFile: '/usr/sbin/policy-rc.d' });
}

/** @throws Error with the line to type when some are missing and cannot be installed */
export function providePrograms(programs: readonly Program[], machine: Machine): void {
  const missing = missingFrom(programs, machine);
  if (missing.length === 0) return;
  const aptGet = find(['apt-get'], machine);
  if (machine.isRoot && aptGet !== undefined)
    install(
      aptGet,
      missing.map(({ debian }) => debian),
      machine.policyFile,
    );
  const still = missingFrom(missing, machine).map(({ debian }) => debian);
  if (still.length > 0)
    throw new Error(`The tests run ${still.join(', ')}, which this machine does not have. Type: sudo apt-get install -y ${still.join(' ')}`);
}

function missingFrom(programs: readonly Program[], machine: Machine): readonly Program[] {
  return programs.filter(({ names }) => find(names, machine) === undefined);
}

function find(names: readonly string[], { folders }: Machine): string | undefined {
  return folders.flatMap((folder) => names.map((name) => path.join(folder, name))).find((file) => existsSync(file));
}

function install(aptGet: string, packages: readonly string[], policyFile: string): void {
  process.stderr.write(`Installing what the tests run (${packages.join(', ')}); this takes some minutes, once.\n`);
  const isOurs = !existsSync(policyFile);
  if (isOurs) writeFileSync(policyFile, NO_SERVICES, { mode: 0o755 });
  try {
    // An index that cannot be renewed may still do.
    run(aptGet, ['update', ...FLAGS], UPDATE_MS_MAX);
    run(aptGet, ['install', ...FLAGS, '--no-install-recommends', ...packages], INSTALL_MS_MAX);
  } finally {
    if (isOurs) rmSync(policyFile, { force: true });
  }
}

/** Its output goes to standard error as it comes. */
function run(program: string, args: readonly string[], timeoutMs: number): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 2, 2], timeout: timeoutMs, env });
  if (status !== 0) process.stderr.write(`${program} ${args[0]} failed: ${error?.message ?? `exit code ${status}`}\n`);
}
