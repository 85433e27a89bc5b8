import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScaleResult } from '../../bench/scale/scale-result.ts';
import { clusterTable, logTable, measuredTable } from '../../bench/scale/scale-tables.ts';
import { ROOT } from '../house/project-files.ts';

const run = promisify(execFile);
const RUN_MS_MAX = 100_000;

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'mayfly-scale-test-'));
});
afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

describe('the measurement of scale', () => {
  it(
    'runs small against real servers, and its tables are made from what it wrote',
    async () => {
      const flags = ['--sessions', '300', '--leases', '200', '--runs', '10', '--name', 'small'];
      const { stdout } = await run(process.execPath, [path.join(ROOT, 'dist/bench/scale/main.js'), ...flags], { cwd: scratch, timeout: RUN_MS_MAX });
      const result = JSON.parse(await readFile(path.join(scratch, 'bench/results/small.json'), 'utf8')) as ScaleResult;
      const figures = [...Object.values(result.redis), ...Object.values(result.log), result.open_close.empty.p50_ms, result.open_close.full.p50_ms];
      for (const figure of figures) expect(figure).toBeGreaterThan(0);
      expect(result.log).toMatchObject({ sessions: 300, replay_records: 6 });
      expect(stdout).toContain(measuredTable(result));
      for (const table of [clusterTable(result), logTable(result)]) expect(table).not.toMatch(/NaN|undefined|Infinity/);
    },
    RUN_MS_MAX,
  );

  it.each([
    ['--sessions', '0'],
    ['--leases', 'many'],
    ['--nonsense', '1'],
  ])('refuses %s %s', async (flag, value) => {
    const failed = run(process.execPath, [path.join(ROOT, 'dist/bench/scale/main.js'), flag, value], { cwd: scratch, timeout: RUN_MS_MAX });
    await expect(failed).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(flag) as string });
  });
});

describe('the arithmetic of scale', () => {
  const result = {
    redis: { bytes_a_session: 400, bytes_a_node: 300, heartbeat_us: 20, scan_us: 400, scan_bytes: 250_000 },
    log: { sessions: 1_000_000, record_bytes: 1_000, decision_bytes: 500, memory_empty_bytes: 0, memory_restarted_bytes: 300_000_000 },
  } as ScaleResult;

  it('multiplies what was measured', () => {
    const cluster = clusterTable(result);
    expect(cluster).toContain('| leases: 10,000,000 sessions | 4 GB |');
    expect(cluster).toContain('| heartbeats: 1,000 / 2.5 s | 400/s, 0.8 % of a core |');
    expect(cluster).toContain('| scans every 1 s: 1,000 / 1 | 1,000/s, 40 % of a core, 250 MB/s sent |');
    expect(logTable(result)).toContain('| 100/s × 9 d | 77,760,000 | 117 GB | 23.3 GB |');
  });
});
