import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, get, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 30_000;
const CALL_TIMEOUT_MS = 60_000;
const TENANT = 'bench';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly type?: string;
  readonly body?: Uint8Array | string;
  /** JSON by default. */
  readonly accept?: string;
}

/** Calls on one node over kept-alive connections, as a service would make them. */
export interface NodeCalls {
  /** The answer's JSON; rejects for any status of 400 and above. */
  call(call: Call): Promise<unknown>;
  /** The answer's bytes, likewise. */
  read(call: Call): Promise<readonly Uint8Array[]>;
}

/** A node of its own process on a free port. */
export interface NodeProcess extends NodeCalls {
  readonly pid: number;
  /** The body of an answer that goes on until the signal aborts. */
  follow(path: string, signal: AbortSignal): Promise<Readable>;
  /** Stops the node and removes its data. */
  stop(): Promise<void>;
}

/** Calls on a node that runs already; `close` lets go of the connections. */
export function callsTo(url: string): NodeCalls & { close(): void } {
  const base = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const read = (call: Call): Promise<readonly Uint8Array[]> => answerOf(base, agent, call);
  return { read, call: async (call) => jsonOf(await read(call)), close: () => agent.destroy() };
}

/**
 * @param flags of `mayfly serve` besides its port and data directory
 * @param profiles a folder that gets the process's CPU profile once it is stopped
 */
export async function startNode(flags: readonly string[] = [], profiles?: string): Promise<NodeProcess> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'mayfly-bench-'));
  const program = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
  const profiled = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
  const child = spawn(process.execPath, [...profiled, program, 'serve', '--port', '0', '--data-dir', dataDir, ...flags], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  const giveUp = setTimeout(() => child.kill('SIGKILL'), READY_TIMEOUT_MS);
  let url: string | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    url = /http:\/\/[^\s"]+/.exec(line)?.[0];
    if (url !== undefined) break;
  }
  clearTimeout(giveUp);
  if (url === undefined) throw new Error(`The node was not ready within ${READY_TIMEOUT_MS} ms`);
  child.stdout.resume();
  const calls = callsTo(url);
  return {
    pid: child.pid ?? 0,
    call: (call) => calls.call(call),
    read: (call) => calls.read(call),
    follow: (where, signal) => followed(new URL(where, url), signal),
    stop: async () => {
      calls.close();
      const kill = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      child.kill('SIGTERM');
      await exited;
      clearTimeout(kill);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function followed(url: URL, signal: AbortSignal): Promise<Readable> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { 'mayfly-tenant': TENANT }, signal }, resolve).on('error', reject);
  });
}

function jsonOf(parts: readonly Uint8Array[]): unknown {
  const text = Buffer.concat(parts).toString();
  return text === '' ? undefined : JSON.parse(text);
}

function answerOf(base: URL, agent: Agent, call: Call): Promise<readonly Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string | number> = { 'mayfly-tenant': TENANT, accept: call.accept ?? 'application/json' };
    if (call.body !== undefined) {
      headers['content-type'] = call.type ?? 'application/json';
      headers['content-length'] = Buffer.byteLength(call.body);
    }
    const sent = request({ host: base.hostname, port: base.port, agent, method: call.method, path: call.path, headers, timeout: CALL_TIMEOUT_MS }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        const status = answer.statusCode ?? 0;
        if (status >= 400) reject(new Error(`${call.method} ${call.path} answered ${status}: ${Buffer.concat(parts).toString()}`));
        else resolve(parts);
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`${call.method} ${call.path} took more than ${CALL_TIMEOUT_MS} ms`)));
    sent.on('error', reject);
    sent.end(call.body);
  });
}
