import { mkdtemp, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordBatchStreamWriter, tableFromIPC, type Table } from 'apache-arrow';
import { workerSupervision } from '../../actors/worker-actor.ts';
import type { ByteStream, QueryAnswer } from '../../src/domain/gateway.ts';
import { parseSessionId, type SessionId } from '../../src/domain/ids.ts';
import { parseLogicalName, type LogicalName } from '../../src/domain/table-name.ts';
import { parseTenant } from '../../src/domain/tenant.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { TableCount } from '../../src/ports/lease-store.ts';
import type { Slot, WorkOptions } from '../../src/ports/table-engine.ts';
import { WorkerTableEngine, type WorkerPoolOptions } from '../../src/worker/pool.ts';

export const MIB = 1_048_576;

export const clock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
  setTimeout: (run, delayMs) => setTimeout(run, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/** A pool of real worker processes over a folder of its own. */
export interface Pool extends AsyncDisposable {
  readonly engine: WorkerTableEngine;
  readonly spillRoot: string;
  /** Workers alive, in the order they were spawned. */
  readonly pids: Set<number>;
  open(tenant: string): Promise<OpenedSlot>;
}

export interface OpenedSlot {
  readonly slot: Slot;
  readonly session: SessionId;
}

export async function startPool(options: Partial<WorkerPoolOptions> = {}): Promise<Pool> {
  const spillRoot = await mkdtemp(join(tmpdir(), 'mayfly-worker-'));
  const pids = new Set<number>();
  const engine = await WorkerTableEngine.start({
    spillRoot,
    maxWorkers: 3,
    spareWorkers: 1,
    sessionsPerWorkerMax: 4,
    memoryLimitBytes: 256 * MIB,
    supervise: workerSupervision(clock),
    clock,
    onSpawn: (pid) => pids.add(pid),
    onExit: (pid) => pids.delete(pid),
    ...options,
  });
  return {
    engine,
    spillRoot,
    pids,
    open: async (tenant) => {
      const session = parseSessionId(randomUUID());
      return { session, slot: await engine.openSlot({ tenant: parseTenant(tenant), session }) };
    },
    [Symbol.asyncDispose]: async () => {
      await engine.close();
      await rm(spillRoot, { recursive: true, force: true });
    },
  };
}

export function name(text: string): LogicalName {
  return parseLogicalName(text);
}

/** Work with room to spare; `notes` gathers the counts that were told. */
export function work(options: Partial<WorkOptions> = {}): WorkOptions & { readonly notes: TableCount[] } {
  const notes: TableCount[] = [];
  return { timeoutMs: 60_000, noteCount: async (count) => void notes.push(count), ...options, notes };
}

export async function bytesOf(body: ByteStream): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces);
}

export async function* bodyOf(bytes: Uint8Array, pieceBytes = 65_536): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += pieceBytes) yield bytes.subarray(start, start + pieceBytes);
}

export function ipc(table: Table): Uint8Array {
  return RecordBatchStreamWriter.writeAll(table).toUint8Array(true);
}

/** A stream with the batches of `once` again and again, in pieces; never gathered. */
export async function* repeated(once: Uint8Array, rounds: number): AsyncGenerator<Uint8Array> {
  const schemaEnd = 8 + new DataView(once.buffer, once.byteOffset).getInt32(4, true);
  yield once.subarray(0, schemaEnd);
  for (let round = 0; round < rounds; round++) yield* bodyOf(once.subarray(schemaEnd, -8));
  yield once.subarray(-8);
}

/** The rows a query gives, as JSON holds them. */
export async function rows(slot: Slot, query: string, options: WorkOptions = work()): Promise<unknown[][]> {
  const answer: QueryAnswer = await slot.query({ query, format: 'json' }, options);
  return (JSON.parse((await bytesOf(answer.body)).toString()) as { rows: unknown[][] }).rows;
}

export async function arrowTable(slot: Slot, query: string): Promise<Table> {
  const { body } = await slot.query({ query, format: 'arrow' }, work());
  return tableFromIPC(await bytesOf(body));
}
