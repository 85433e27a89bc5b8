import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Unavailable } from '../../domain/errors.ts';
import { onFreePorts } from './free-port.ts';

const COMPLAINT_CHARS_MAX = 2_000;

export interface NodeCommand {
  /** Its data directory and its log lie here. */
  readonly folder: string;
  readonly port: number;
  readonly nodeId: string;
  /** Further flags of `mayfly serve`. */
  readonly flags: readonly string[];
  /** Variables besides those of this process; secrets go here, since everybody sees a command line. */
  readonly env?: Readonly<Record<string, string>>;
}

/** `mayfly serve` as a child process, at the same address and on the same data whenever it is started again. */
export class NodeProcess {
  readonly nodeId: string;
  readonly url: string;
  readonly #command: NodeCommand;
  #child: ChildProcess | undefined;

  constructor(command: NodeCommand) {
    this.nodeId = command.nodeId;
    this.url = `http://127.0.0.1:${command.port}`;
    this.#command = command;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when it is ready. @throws Unavailable with the end of its log when it ends instead */
  async start(): Promise<void> {
    const { folder, port, nodeId, flags, env } = this.#command;
    mkdirSync(folder, { recursive: true });
    const log = openSync(this.#logFile, 'a');
    const args = [mainModule(), 'serve', '--port', String(port), '--data-dir', path.join(folder, 'data'), '--node-id', nodeId, ...flags];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', log], env: { ...process.env, ...env }, detached: true });
    closeSync(log);
    this.#child = child;
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined;
    });
    const lines = createInterface({ input: child.stdout as Readable });
    const isReady = await Promise.race([once(lines, 'line').then(() => true), once(child, 'exit').then(() => false)]);
    if (!isReady) throw new Unavailable(`The node ${nodeId} did not start: ${this.log()}`, { node_id: nodeId });
  }

  /** Sends the signal and waits for the process to be gone. @returns its exit code; null when the signal ended it, or it was not there */
  async end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) return null;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
    return child.exitCode;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM' | 'SIGKILL'): void {
    this.#child?.kill(signal);
  }

  /** Process ids of its workers. */
  workers(): readonly number[] {
    const { pid } = this;
    if (pid === undefined) return [];
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  }

  /** The end of what it logged. */
  log(): string {
    return readFileSync(this.#logFile, 'utf8').slice(-COMPLAINT_CHARS_MAX);
  }

  get #logFile(): string {
    return path.join(this.#command.folder, 'node.log');
  }
}

/** Starts a node on a free port. @throws Unavailable */
export async function startNodeProcess(command: Omit<NodeCommand, 'port'>): Promise<NodeProcess> {
  return onFreePorts(1, async ([port]) => {
    const node = new NodeProcess({ ...command, port: port! });
    await node.start();
    return node;
  });
}

function mainModule(): string {
  return path.join(path.dirname(createRequire(import.meta.url).resolve('mayfly/package.json')), 'dist/src/cli/main.js');
}
