import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

/** `mayfly serve` as a process of its own, on a free port. */
export class ServedNode {
  readonly url: string;
  readonly process: ChildProcess;

  private constructor(url: string, process: ChildProcess) {
    this.url = url;
    this.process = process;
  }

  /** Resolves with the node once it printed its URL, which it does when it is ready. */
  static start(dataDir: string, ...flags: string[]): Promise<ServedNode> {
    return ServedNode.startUnder({}, dataDir, ...flags);
  }

  /** Under variables of its own, such as Node's own options. */
  static async startUnder(variables: Readonly<Record<string, string>>, dataDir: string, ...flags: string[]): Promise<ServedNode> {
    const env = { ...process.env, ...variables };
    const child = spawn(process.execPath, [MAIN, 'serve', '--port', '0', '--data-dir', dataDir, ...flags], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const complaints: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk.toString()));
    const lines = createInterface({ input: child.stdout });
    const url = await Promise.race([once(lines, 'line').then(([line]) => /http:\/\/\S+/.exec(String(line))?.[0]), once(child, 'exit').then(() => undefined)]);
    if (url === undefined) throw new Error(`the node did not start: ${complaints.join('')}`);
    return new ServedNode(url, child);
  }

  /** Sends the signal and waits for the process to be gone; its exit code, or null when the signal killed it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return this.process.exitCode;
    const gone = once(this.process, 'exit');
    this.process.kill(signal);
    await gone;
    return this.process.exitCode;
  }

  /** Process ids of the node's workers. */
  async workers(): Promise<number[]> {
    const pid = this.process.pid ?? 0;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return children.trim().split(' ').filter(Boolean).map(Number);
  }
}
