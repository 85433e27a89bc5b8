import { Command } from 'commander';
import type { TenantHandle } from '../client/tenant-handle.ts';
import { InvalidRequest } from '../domain/errors.ts';
import { parseSessionId } from '../domain/ids.ts';
import { asUsage } from './failure.ts';
import { addNodeFlags, withTenant } from './node-connection.ts';
import type { NodeFlags } from './node-connection.ts';
import { print, printJson } from './output.ts';
import { recordLine } from './record-line.ts';

interface Flags extends NodeFlags {
  readonly from: string;
  readonly session?: string;
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
      const query = await asUsage(() => queryOf(flags));
      await withTenant(flags, async (tenant, signal) => {
        try {
          await follow(tenant, { ...query, signal }, flags);
        } catch (error) {
          // Whoever stops a watch has seen enough: that is its tidy end.
          if (!signal.aborted) throw error;
        }
      });
    });
}

/** @throws InvalidRequest for an offset or a session id that can be none */
function queryOf({ from, session, follow: goOn }: Flags) {
  if (!/^\d{1,15}$/.test(from)) throw new InvalidRequest(`"${from}" is not an offset: give a whole number`, { field: 'from' });
  return { from: Number(from), follow: goOn, ...(session === undefined ? {} : { sessionId: parseSessionId(session) }) };
}

async function follow(tenant: TenantHandle, query: Parameters<TenantHandle['lifecycle']>[0], { json }: Flags): Promise<void> {
  for await (const entry of tenant.lifecycle(query)) {
    await (json === true ? printJson(entry) : print(`${entry.offset} ${recordLine(entry.record)}`));
  }
}
