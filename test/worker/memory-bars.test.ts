import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Table, Utf8, vectorFromArray } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServedNode } from '../e2e/served-node.ts';
import type { Slot } from '../../src/ports/table-engine.ts';
import { ipc, repeated, rows as rowsOf, startPool, type Pool } from './harness.ts';
import { peakBytes, residentBytes } from './process-usage.ts';

const MB = 1_000_000;
const SESSION_LIMIT_BYTES = 256 * MB;
const NODE_GROWTH_MAX_BYTES = 64 * MB;
const WORKER_MAX_BYTES = SESSION_LIMIT_BYTES + 150 * MB;
const BATCH_ROWS = 65_536;
const JSON_HEADERS = { 'mayfly-tenant': 'acme', 'content-type': 'application/json' };
const ARROW = 'application/vnd.apache.arrow.stream';
const PARQUET = 'application/vnd.apache.parquet';
/** Text and Parquet take far longer than Arrow: enough of it that the session has to spill. */
const SPILLING_BYTES = 300 * MB;
const manyRows = (rows: number): string => `SELECT i, i * 2 AS d, 'row ' || i AS text FROM range(${rows}) t(i)`;

/** What no spilling helps: one value, or one state of an aggregate, 64 MB above what the session may hold. */
const TOO_LARGE = [
  "SELECT length(string_agg(repeat('x', 1000), '')) FROM range(320000)",
  'SELECT length(list(i)) FROM range(40000000) t(i)',
  "SELECT length(repeat('x', 320000000))",
];

/** A node of its own and a session on it, spoken to as a program without any library of ours would. */
class MemoryFixture {
  readonly #node: ServedNode;
  readonly #dataDir: string;
  readonly #session: string;

  private constructor(node: ServedNode, dataDir: string, session: string) {
    this.#node = node;
    this.#dataDir = dataDir;
    this.#session = session;
  }

  static async start(): Promise<MemoryFixture> {
    const dataDir = await mkdtemp(join(tmpdir(), 'mayfly-memory-'));
    const node = await ServedNode.start(dataDir, '--memory-limit', '256MB', '--statement-timeout', '4m', '--spare-workers', '1');
    const opened = await fetch(`${node.url}/v1/sessions`, { method: 'POST', headers: JSON_HEADERS, body: '{"timeout":"20m"}' });
    return new MemoryFixture(node, dataDir, ((await opened.json()) as { session_id: string }).session_id);
  }

  async end(): Promise<void> {
    // A drain would wait for it.
    expect((await fetch(this.#url(''), { method: 'DELETE', headers: { 'mayfly-tenant': 'acme' } })).status).toBe(200);
    expect(await this.#node.end('SIGTERM')).toBe(0);
    await rm(this.#dataDir, { recursive: true });
  }

  get nodePid(): number {
    return this.#node.process.pid ?? 0;
  }

  async workerPeakBytes(): Promise<number> {
    return Math.max(...(await this.#node.workers()).map(peakBytes));
  }

  async createTable(table: string, primaryKey?: string): Promise<void> {
    const query = primaryKey === undefined ? '' : `?primary_key=${primaryKey}`;
    const body = JSON.stringify({
      columns: [
        { name: 'id', type: 'DOUBLE' },
        { name: 'text', type: 'VARCHAR' },
      ],
      ...(primaryKey && { primary_key: [primaryKey] }),
    });
    const made = await fetch(this.#url(`/tables/${table}${query}`), { method: 'PUT', headers: JSON_HEADERS, body });
    expect(made.status).toBe(201);
  }

  async insert(table: string, body: AsyncIterable<Uint8Array>, type = ARROW): Promise<object> {
    const headers = { 'mayfly-tenant': 'acme', 'content-type': type };
    const answer = await fetch(this.#url(`/tables/${table}/rows`), { method: 'POST', headers, body, duplex: 'half' } as unknown as RequestInit);
    return (await answer.json()) as object;
  }

  ask(query: string, accept = 'application/json'): Promise<Response> {
    return fetch(this.#url('/sql'), { method: 'POST', headers: { ...JSON_HEADERS, accept }, body: JSON.stringify({ query }) });
  }

  async rows(query: string): Promise<unknown> {
    return ((await (await this.ask(query)).json()) as { rows: unknown }).rows;
  }

  #url(path: string): string {
    return `${this.#node.url}/v1/sessions/${this.#session}${path}`;
  }
}

/** A stream of about so many bytes in batches of 65,536 rows and 2.6 MB. */
function streamOf(bytes: number): { rows: number; body: AsyncIterable<Uint8Array> } {
  const id = vectorFromArray(Float64Array.from({ length: BATCH_ROWS }, (_, row) => row));
  const text = vectorFromArray(
    Array.from({ length: BATCH_ROWS }, (_, row) => `a text of some length, ${(row * 7_919) % BATCH_ROWS}`),
    new Utf8(),
  );
  const once = ipc(new Table({ id, text }));
  const rounds = Math.ceil(bytes / once.byteLength);
  return { rows: rounds * BATCH_ROWS, body: repeated(once, rounds) };
}

async function byteCount(answer: Response): Promise<number> {
  let bytes = 0;
  for await (const piece of answer.body!) bytes += piece.byteLength;
  return bytes;
}

/** Rows of `id` and `text` as lines, about so many bytes. */
function linesOf(line: (id: number, text: string) => string, head = ''): { rows: number; body: AsyncIterable<Uint8Array> } {
  const once = Buffer.from(Array.from({ length: 20_000 }, (_, row) => line(row + 0.5, `a text of some length, ${(row * 7_919) % BATCH_ROWS}`)).join(''));
  const rounds = Math.ceil(SPILLING_BYTES / once.byteLength);
  const body = async function* (): AsyncGenerator<Uint8Array> {
    if (head !== '') yield Buffer.from(head);
    for (let round = 0; round < rounds; round++) yield once;
  };
  return { rows: rounds * 20_000, body: body() };
}

/** As a node writes it, in a file. */
async function parquetOf(fixture: MemoryFixture, folder: string): Promise<{ rows: number; body: AsyncIterable<Uint8Array> }> {
  const rows = 10_000_000;
  const file = join(folder, 'rows.parquet');
  const answer = await fixture.ask(`SELECT i::DOUBLE AS id, 'a text of some length, ' || hash(i) AS text FROM range(${rows}) t(i)`, PARQUET);
  await pipeline(answer.body!, createWriteStream(file));
  return { rows, body: createReadStream(file) };
}

describe('1 GB in and ten million rows out', () => {
  it('are gathered neither by the node nor by the worker', async () => {
    const fixture = await MemoryFixture.start();
    await fixture.createTable('big');
    expect(await fixture.insert('big', streamOf(1).body)).toEqual({ rows: BATCH_ROWS });
    const before = residentBytes(fixture.nodePid);
    const { rows, body } = streamOf(1_000 * MB);
    expect(await fixture.insert('big', body)).toEqual({ rows });
    expect(await fixture.rows('SELECT count(*), count(text) FROM big')).toEqual([[rows + BATCH_ROWS, rows + BATCH_ROWS]]);
    expect(await byteCount(await fixture.ask(manyRows(10_000_000), ARROW))).toBeGreaterThan(250 * MB);
    expect(peakBytes(fixture.nodePid) - before).toBeLessThan(NODE_GROWTH_MAX_BYTES);
    expect(await fixture.workerPeakBytes()).toBeLessThan(WORKER_MAX_BYTES);
    await fixture.end();
  }, 280_000);
});

const FORMATS = [
  { type: 'text/csv', leastBytes: 125 * MB, input: async () => linesOf((id, text) => `${id},"${text}"\n`, 'id,text\n') },
  { type: 'application/x-ndjson', leastBytes: 200 * MB, input: async () => linesOf((id, text) => `${JSON.stringify({ id, text })}\n`) },
  { type: PARQUET, leastBytes: 50 * MB, input: parquetOf },
];

describe.each(FORMATS)('more than a session may hold in and five million rows out as $type', ({ type, leastBytes, input }) => {
  it('are gathered neither by the node nor by the worker', async () => {
    const fixture = await MemoryFixture.start();
    const folder = await mkdtemp(join(tmpdir(), 'mayfly-memory-rows-'));
    await fixture.createTable('big');
    const before = residentBytes(fixture.nodePid);
    const { rows, body } = await input(fixture, folder);
    expect(await fixture.insert('big', body, type)).toEqual({ rows });
    expect(await byteCount(await fixture.ask(manyRows(5_000_000), type))).toBeGreaterThan(leastBytes);
    expect(peakBytes(fixture.nodePid) - before).toBeLessThan(NODE_GROWTH_MAX_BYTES);
    expect(await fixture.workerPeakBytes()).toBeLessThan(WORKER_MAX_BYTES);
    await fixture.end();
    await rm(folder, { recursive: true });
  }, 280_000);
});

describe('64 MB above the limit of a session', () => {
  let fixture: MemoryFixture;
  let pool: Pool;
  let slot: Slot;

  beforeAll(async () => {
    fixture = await MemoryFixture.start();
    await fixture.createTable('keyed', 'id');
    await fixture.rows("INSERT INTO keyed VALUES (0, 'kept')");
    pool = await startPool({ spareWorkers: 0, memoryLimitBytes: 256 * MB });
    ({ slot } = await pool.open('acme'));
  });
  afterAll(async () => {
    await fixture.end();
    await pool[Symbol.asyncDispose]();
  });

  it.each(TOO_LARGE)('answers memory_limit_exceeded to %s, and the session lives on', async (query) => {
    const answer = await fixture.ask(query);
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([507, 'memory_limit_exceeded']);
    expect(await fixture.rows('SELECT text FROM keyed')).toEqual([['kept']]);
    await expect(rowsOf(slot, query)).rejects.toMatchObject({ code: 'memory_limit_exceeded' });
    expect(await rowsOf(slot, 'SELECT 1')).toEqual([[1]]);
  });

  it('inserts nothing when the index of a key, which cannot be spilled, outgrows it', async () => {
    const answer = await fixture.ask("INSERT INTO keyed SELECT i, 'new' FROM range(1, 40000000) t(i)");
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([507, 'memory_limit_exceeded']);
    expect(await fixture.rows('SELECT text FROM keyed')).toEqual([['kept']]);
  });
});
