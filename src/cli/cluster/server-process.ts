import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Unavailable } from '../../domain/errors.ts';
import { findProgram, type ServerProgram } from './find-program.ts';
import { leash } from './leash.ts';

/** A machine that is busy with other things starts a server in seconds, not in milliseconds. */
const START_MS_MAX = 20_000;
const POLL_MS = 20;
/** After SIGTERM; then it is killed. */
const STOP_MS_MAX = 5_000;
const PAUSE_MS_MAX = 1_000;
const COMPLAINT_CHARS_MAX = 1_000;

export interface ServerCommand {
  readonly program: ServerProgram;
  /** Its data and its output, `server.log`, lie here; made if it is not there, never deleted. */
  readonly folder: string;
  readonly args: readonly string[];
}

/** A server as a child process that does not outlive this one, on the same ports and data whenever it is started again. */
export abstract class ServerProcess {
  readonly folder: string;
  readonly #command: ServerCommand;
  #child: ChildProcess | undefined;

  constructor(command: ServerCommand) {
    this.folder = command.folder;
    this.#command = command;
  }

  /** Undefined when it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Whether this very process answers as it should; another server on its port is not it. Must settle within a second. */
  protected abstract answers(pid: number): Promise<boolean>;

  /**
   * Resolves when it answers.
   * @throws Unavailable with the end of its output when it ends instead, or takes longer than `withinMs`, 20 s by default
   */
  async start(withinMs = START_MS_MAX): Promise<void> {
    const { program, folder, args } = this.#command;
    const file = findProgram(program);
    mkdirSync(folder, { recursive: true });
    const output = openSync(this.#outputFile, 'a');
    // A group of its own: a terminal's Ctrl-C ends the nodes first, which still need their servers.
    const child = spawn(file, args, { cwd: folder, stdio: ['ignore', output, output], detached: true });
    closeSync(output);
    this.#child = child;
    const letOff = child.pid === undefined ? () => undefined : leash(child.pid);
    const ended = (): void => {
      letOff();
      if (this.#child === child) this.#child = undefined;
    };
    child.once('exit', ended).once('error', ended);
    const untilMs = performance.now() + withinMs;
    while (performance.now() < untilMs) {
      if (this.#child !== child) throw new Unavailable(`${program} ended instead of starting: ${this.output().trim()}`, { program });
      if (child.pid !== undefined && (await this.answers(child.pid))) return;
      await delay(POLL_MS);
    }
    await this.kill();
    throw new Unavailable(`${program} did not answer within ${withinMs / 1_000} s: ${this.output().trim()}`, { program });
  }

  /** SIGTERM, and SIGKILL after 5 s; resolves when it is gone. */
  async stop(): Promise<void> {
    const gone = this.#end('SIGTERM');
    // A stopped process takes SIGTERM only once it goes on.
    this.resume();
    const inTime = await Promise.race([gone.then(() => true), delay(STOP_MS_MAX, false, { ref: false })]);
    if (!inTime) await this.kill();
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /**
   * SIGSTOP: connections stay open and are still taken by the kernel, but nothing is answered. Returns once it stands,
   * or after a second: a thread that runs on another core goes on for a moment.
   */
  pause(): void {
    const { pid } = this;
    if (pid === undefined) return;
    this.#child?.kill('SIGSTOP');
    const untilMs = performance.now() + PAUSE_MS_MAX;
    while (!stands(pid) && performance.now() < untilMs);
  }

  /** SIGCONT. */
  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** The end of what it wrote to its output. */
  output(): string {
    return readFileSync(this.#outputFile, 'utf8').slice(-COMPLAINT_CHARS_MAX);
  }

  get #outputFile(): string {
    return path.join(this.folder, 'server.log');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}

/** Whether no thread of it runs; taken for granted where the system does not tell. */
function stands(pid: number): boolean {
  const threads = `/proc/${pid}/task`;
  if (!existsSync(threads)) return true;
  return readdirSync(threads).every((thread) => hasStopped(path.join(threads, thread, 'stat')));
}

/** @param stat the state follows the name, which is in brackets; a thread that ended has no file any more */
function hasStopped(stat: string): boolean {
  try {
    return /\) T [^)]*$/.test(readFileSync(stat, 'utf8'));
  } catch {
    return true;
  }
}

/** Starts several; when one cannot be started, the others are stopped again. */
export async function startAll<Started>(starts: readonly Promise<Started>[], stop: (started: Started) => Promise<unknown>): Promise<readonly Started[]> {
  const settled = await Promise.allSettled(starts);
  const started = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed === undefined) return started;
  await Promise.all(started.map(stop));
  throw failed.reason;
}
