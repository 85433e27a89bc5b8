import { mkdir } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { SandboxLimits } from '../duckdb/sandbox.ts';
import { SlotPool } from '../duckdb/slot-pool.ts';
import { createSqlPolicy } from '../duckdb/sql-policy.ts';
import { FRAME, type Frame } from './frames.ts';
import { WorkerHost } from './host.ts';
import { SETTINGS_VARIABLE, type WorkerSettings } from './input.ts';
import { engineMemoryBytes } from './memory-bound.ts';
import { Wire } from './wire.ts';

/** The DuckDB worker process. Its node is at the other end of descriptor 3; when that is gone, so is the worker. */

const PIPE_FD = 3;
const CANCEL_TIMEOUT_MS = 1_000;

async function main(): Promise<void> {
  const settings = JSON.parse(process.env[SETTINGS_VARIABLE] ?? '') as WorkerSettings;
  const started: { host?: WorkerHost } = {};
  const wire = new Wire(
    new Socket({ fd: PIPE_FD, readable: true, writable: true }),
    (frame: Frame) => started.host?.take(frame),
    () => void leave(started.host),
  );
  await mkdir(settings.spillFolder, { recursive: true, mode: 0o700 });
  const pool = new SlotPool({ ahead: settings.slotsAhead, reuse: settings.reuseSlots, limits: sandboxLimits(settings) });
  const policy = await createSqlPolicy();
  await pool.fill();
  started.host = new WorkerHost(wire, pool, policy, settings);
  wire.send(FRAME.ready, 0);
}

function sandboxLimits({ memoryLimitBytes, spillFolder, spillMaxBytes, threadsPerSlot }: WorkerSettings): SandboxLimits {
  return { memoryLimitBytes: engineMemoryBytes(memoryLimitBytes), spillDirectory: spillFolder, spillMaxBytes, threads: threadsPerSlot };
}

/** Ending normally while DuckDB works would abort the process: interrupt, wait a little, then the certain way. */
async function leave(host: WorkerHost | undefined): Promise<void> {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), CANCEL_TIMEOUT_MS);
  await host?.cancelAll();
  process.kill(process.pid, 'SIGKILL');
}

// Signals of the terminal's process group are for the node, which ends its workers in order.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
await main();
