import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exportRecords } from '../../src/audit/export-records.ts';
import type { ExportFormat } from '../../src/audit/export-records.ts';
import type { LifecycleEntry } from '../../src/domain/gateway.ts';
import type { LifecycleRecord } from '../../src/domain/lifecycle-record.ts';
import { parquetEntries } from './parquet-entries.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "mayfly-audit-o'clock-[1]*-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const session_id = '6d1f4f60-0000-4000-8000-000000000000';
const opened = {
  session_id,
  tenant_id: 'acme',
  event: 'opened',
  occurred_at: '2026-02-28T23:59:59.999Z',
  ephemeral_table_count: 0,
  deleted_row_count: 0,
} as unknown as LifecycleRecord;
const survived = {
  ...opened,
  event: 'partial_deletion_failure',
  ephemeral_table_count: 2,
  deleted_row_count: Number.MAX_SAFE_INTEGER,
  details: {
    reason: 'deadline',
    counted: 'at_least',
    proof: 'unreachable',
    surviving_tables: ['__eph_6d1f4f60000040008000000000000000_a', '__eph_6d1f4f60000040008000000000000000_b'],
    attempted_event: 'timed_out',
  },
} as unknown as LifecycleRecord;
const ended = {
  ...survived,
  event: 'timed_out',
  details: {
    reason: 'deadline',
    counted: 'last_acknowledged',
    proof: 'process_exit',
    erasure: { memory: 'process_exit', spill: 'until_restart', journal: 'no_row_data' },
  },
} as unknown as LifecycleRecord;

async function* entriesOf(records: readonly LifecycleRecord[], error?: Error): AsyncGenerator<LifecycleEntry> {
  for (const [at, record] of records.entries()) yield { offset: 3 * at, record };
  if (error !== undefined) throw error;
}

const options = (format: ExportFormat, signal = new AbortController().signal) => ({ file: path.join(folder, 'it.parquet'), format, from: 0, signal });

describe('an export', () => {
  it('holds every detail a record can have, in order, under a name with quotes and wildcards', async () => {
    const records = [opened, survived, ended];
    expect(await exportRecords(entriesOf(records), options('parquet'))).toEqual({ file: options('parquet').file, records: 3, next_offset: 7 });
    expect(await parquetEntries(path.join(folder, 'it.parquet'))).toEqual(records.map((record, at) => ({ offset: 3 * at, record })));
  });

  it('keeps the order over many row groups', async () => {
    const count = 300_000;
    await exportRecords(entriesOf(Array.from({ length: count }, () => ended)), options('parquet'));
    const read = await parquetEntries(path.join(folder, 'it.parquet'));
    expect(read).toHaveLength(count);
    expect(read.findIndex(({ offset }, at) => offset !== 3 * at)).toBe(-1);
  }, 60_000);

  it.each(['parquet', 'ndjson'] as const)('as %s is not there when its source fails', async (format) => {
    await expect(exportRecords(entriesOf([opened, ended], new Error('cut off')), options(format))).rejects.toThrow('cut off');
    expect(await readdir(folder)).toEqual([]);
  });

  it.each(['parquet', 'ndjson'] as const)('as %s is not there when it is stopped', async (format) => {
    const stop = new AbortController();
    async function* endless(): AsyncGenerator<LifecycleEntry> {
      for (let offset = 0; ; offset += 1) {
        yield { offset, record: ended };
        if (offset === 1_000) stop.abort();
      }
    }
    await expect(exportRecords(endless(), options(format, stop.signal))).rejects.toThrow(/abort/);
    expect(await readdir(folder)).toEqual([]);
  });

  it('fails for a record that its columns cannot hold, and leaves nothing', async () => {
    const strange = { ...opened, occurred_at: 'once upon a time' };
    await expect(exportRecords(entriesOf([opened, strange]), options('parquet'))).rejects.toThrow(/once upon a time/);
    expect(await readdir(folder)).toEqual([]);
  });
});
