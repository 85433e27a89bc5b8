import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

/** The variables of the test run without those that configure Mayfly. */
const ENV = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MAYFLY_')));

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the compiled program, as a user's shell would. */
export function startCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [MAIN, ...args], { env: { ...ENV, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs the compiled program to its end. */
export async function runCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const child = startCli(args, env);
  const ended = new Promise<number | null>((resolve, reject) => void child.once('error', reject).once('close', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}
