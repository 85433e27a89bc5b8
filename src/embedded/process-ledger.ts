import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Unavailable } from '../domain/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { OnNotice } from './notice.ts';
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts';

const COMPACT_ABOVE_LINES = 1_000;
const GONE_POLL_MS = 5;
const GONE_TIMEOUT_MS = 10_000;

/**
 * The processes a node started, on disk before it relies on them: the next node of the folder kills what is left of
 * them, and thereby proves them dead (I4). Written synchronously: between fork and note lies no await.
 */
export class ProcessLedger {
  readonly #path: string;
  readonly #live = new Map<number, ProcessIdentity>();
  #lines = 0;

  constructor(folder: string, incarnation: string) {
    this.#path = join(folder, `${encodeURIComponent(incarnation)}.jsonl`);
    writeFileSync(this.#path, '', { mode: 0o600 });
  }

  record(pid: number): void {
    const identity = identify(pid);
    if (identity === undefined) return;
    this.#live.set(pid, identity);
    this.#append(identity);
  }

  forget(pid: number): void {
    if (this.#live.delete(pid)) this.#append({ pid, gone: true });
  }

  #append(line: ProcessIdentity | { readonly pid: number; readonly gone: true }): void {
    this.#lines += 1;
    if (this.#lines <= Math.max(COMPACT_ABOVE_LINES, this.#live.size * 4)) {
      // The leading newline sets a line apart from a torn one before it.
      appendFileSync(this.#path, `\n${JSON.stringify(line)}`);
      return;
    }
    writeFileSync(`${this.#path}.new`, [...this.#live.values()].map((identity) => `\n${JSON.stringify(identity)}`).join(''), { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
    this.#lines = this.#live.size;
  }
}

/**
 * Kills what earlier nodes of the folder left behind, stopped processes too, and waits until it is gone. Only a process
 * whose pid *and* start time match is touched.
 * @throws Unavailable when one is still there after 10 s
 */
export async function killLeftovers(folder: string, clock: Clock, onNotice: OnNotice): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const left = parseLedger(await readFile(path, 'utf8')).filter(isAlive);
    for (const { pid } of left) {
      sendKill(pid);
      onNotice({ kind: 'process_killed', detail: `Killed process ${pid}, left behind by an earlier node of this data directory`, fields: { pid } });
    }
    await untilGone(left, clock);
    await unlink(path);
  }
}

function parseLedger(text: string): ProcessIdentity[] {
  const live = new Map<number, ProcessIdentity>();
  for (const line of text.split('\n')) {
    const entry = parseLine(line);
    if (entry === undefined) continue;
    if (entry.started === undefined) live.delete(entry.pid);
    else live.set(entry.pid, { pid: entry.pid, started: entry.started });
  }
  return [...live.values()];
}

function parseLine(line: string): { readonly pid: number; readonly started?: string } | undefined {
  try {
    const entry = JSON.parse(line) as { pid?: unknown; started?: unknown };
    if (typeof entry !== 'object' || entry === null || !Number.isSafeInteger(entry.pid) || (entry.pid as number) <= 1) return undefined;
    return typeof entry.started === 'string' ? { pid: entry.pid as number, started: entry.started } : { pid: entry.pid as number };
  } catch {
    return undefined;
  }
}

function sendKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    const gone = error instanceof Error && 'code' in error && error.code === 'ESRCH';
    if (!gone) throw error;
  }
}

async function untilGone(left: readonly ProcessIdentity[], clock: Clock): Promise<void> {
  const dueMs = clock.monotonicMs() + GONE_TIMEOUT_MS;
  for (;;) {
    const alive = left.filter(isAlive);
    if (alive.length === 0) return;
    if (clock.monotonicMs() > dueMs) {
      const pids = alive.map(({ pid }) => pid);
      throw new Unavailable(`Processes of an earlier node do not die: ${pids.join(', ')}. Start again when they are gone`, { pids });
    }
    await new Promise<void>((resolve) => clock.setTimeout(resolve, GONE_POLL_MS));
  }
}
