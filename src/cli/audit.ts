import { access, stat } from 'node:fs/promises';
import path from 'node:path';
import { Command, Option } from 'commander';
import type { ExportFormat, Exported } from '../audit/export-records.ts';
import type { TenantHandle } from '../client/tenant-handle.ts';
import { InvalidRequest, Unavailable } from '../domain/errors.ts';
import type { LifecycleEntry } from '../domain/gateway.ts';
import { asUsage } from './failure.ts';
import { recordQueryOf } from './lifecycle-query.ts';
import type { RecordFlags, RecordQuery } from './lifecycle-query.ts';
import { addNodeFlags, withTenant } from './node-connection.ts';
import type { NodeFlags } from './node-connection.ts';
import { note, print, printJson } from './output.ts';

const FORMATS = ['parquet', 'ndjson'] as const satisfies readonly ExportFormat[];
const PROGRESS_EVERY_MS = 2_000;

interface Flags extends NodeFlags, RecordFlags {
  readonly toFile: string;
  readonly format: ExportFormat;
}

/** `mayfly audit`: what becomes of a tenant's records after the log let them go. */
export function auditCommand(): Command {
  return new Command('audit').description("Keep a tenant's lifecycle records").addCommand(exportCommand());
}

function exportCommand(): Command {
  return addNodeFlags(new Command('export'))
    .description('Write the lifecycle records there are to a file; prints the offset to go on from')
    .requiredOption('--to-file <path>', 'the file, which must not be there yet; none is written when there are no records')
    .option('--from <offset>', 'first offset, inclusive', '0')
    .option('--session <id>', 'of this session alone')
    .addOption(new Option('--format <format>', 'typed columns, or lines as the node sends them').choices([...FORMATS]).default('parquet'))
    .action(async (flags: Flags) => {
      const query = await asUsage(() => recordQueryOf(flags));
      await asUsage(() => refuseUnwritable(flags.toFile));
      await withTenant(flags, async (tenant, signal) => {
        try {
          await show(await exported(tenant, { ...query, signal }, flags), flags);
        } catch (error) {
          if (signal.aborted) throw new Unavailable('The export was stopped, and nothing was written', {}, { cause: error });
          throw error;
        }
      });
    });
}

async function exported(tenant: TenantHandle, query: RecordQuery & { readonly signal: AbortSignal }, { toFile: file, format }: Flags): Promise<Exported> {
  const { exportRecords } = await import('../audit/export-records.ts');
  const { from, signal } = query;
  return exportRecords(watched(tenant.lifecycle(query), signal), { file, format, from, signal });
}

/** @throws InvalidRequest when the file is there, or has no folder to lie in: an earlier export is never overwritten */
async function refuseUnwritable(file: string): Promise<void> {
  const folder = await stat(path.dirname(path.resolve(file))).catch(() => undefined);
  if (folder?.isDirectory() !== true) throw new InvalidRequest(`"${path.dirname(file)}" is no folder`, { field: 'to-file' });
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (isThere) throw new InvalidRequest(`"${file}" is there already: name another file, or remove it`, { field: 'to-file' });
}

/** Passes records on and tells of them now and then; a stream that ends because the command was stopped is no whole one. */
async function* watched(records: AsyncIterable<LifecycleEntry>, signal: AbortSignal): AsyncGenerator<LifecycleEntry> {
  let count = 0;
  let toldAtMs = performance.now();
  for await (const entry of records) {
    yield entry;
    count += 1;
    const nowMs = performance.now();
    if (nowMs - toldAtMs < PROGRESS_EVERY_MS) continue;
    toldAtMs = nowMs;
    note(`${count} records read, up to offset ${entry.offset}`);
  }
  signal.throwIfAborted();
}

async function show({ file, records, next_offset }: Exported, { json }: Flags): Promise<void> {
  if (json === true) return printJson({ file, records, next_offset });
  note(file === null ? 'No records yet; no file was written' : `${records} records written to ${file}`);
  await print(String(next_offset));
}
