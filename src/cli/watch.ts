import { Command } from 'commander';
import type { TenantHandle } from '../client/tenant-handle.ts';
import { asUsage } from './failure.ts';
import { recordQueryOf } from './lifecycle-query.ts';
import type { RecordFlags } from './lifecycle-query.ts';
import { addNodeFlags, withTenant } from './node-connection.ts';
import type { NodeFlags } from './node-connection.ts';
import { print, printJson } from './output.ts';
import { recordLine } from './record-line.ts';

interface Flags extends NodeFlags, RecordFlags {
  readonly follow: boolean;
}

/** `mayfly watch`: a tenant's lifecycle records, those of the past and then each new one as it comes. */
export function watchCommand(): Command {
  return addNodeFlags(new Command('watch'))
    .description("Follow a tenant's lifecycle records")
    .option('--from <offset>', 'first offset, inclusive', '0')
    .option('--session <id>', 'of this session alone')
    .option('--no-follow', 'end with the last record there is')
    .action(async (flags: Flags) => {
      const query = await asUsage(() => recordQueryOf(flags));
      await withTenant(flags, async (tenant, signal) => {
        try {
          await follow(tenant, { ...query, follow: flags.follow, signal }, flags);
        } catch (error) {
          // Whoever stops a watch has seen enough: that is its tidy end.
          if (!signal.aborted) throw error;
        }
      });
    });
}

async function follow(tenant: TenantHandle, query: Parameters<TenantHandle['lifecycle']>[0], { json }: Flags): Promise<void> {
  for await (const entry of tenant.lifecycle(query)) {
    await (json === true ? printJson(entry) : print(`${entry.offset} ${recordLine(entry.record)}`));
  }
}
