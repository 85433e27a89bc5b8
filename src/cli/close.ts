import { Command, Option } from 'commander';
import { InvalidRequest, PartialDeletionFailure } from '../domain/errors.ts';
import type { LifecycleRecord } from '../domain/lifecycle-record.ts';
import { asUsage } from './failure.ts';
import { addNodeFlags, collectLabel, withTenant } from './node-connection.ts';
import type { NodeFlags } from './node-connection.ts';
import { print, printJson } from './output.ts';
import { recordLine } from './record-line.ts';

interface Flags extends NodeFlags {
  readonly label?: Readonly<Record<string, string>>;
  readonly force?: true;
}

/** `mayfly close`: one session, or all with a label; prints what the log says of their end. */
export function closeCommand(): Command {
  return addNodeFlags(new Command('close'))
    .description('Close a session, or all sessions with a label')
    .argument('[session]', 'id of the session')
    .addOption(new Option('--label <key:value>', 'all sessions with this label; may be repeated').argParser(collectLabel))
    .option('--force', 'record the end as timed_out (reason forced)')
    .action(async (session: string | undefined, flags: Flags) => {
      await asUsage(() => refuseUnclear(session, flags));
      await withTenant(flags, async (tenant) => {
        if (session === undefined) return closeLabelled(tenant, flags);
        const handle = await asUsage(() => tenant.session(session));
        await show(await (flags.force === true ? handle.forceClose() : handle.close()), flags);
      });
    });
}

/** @throws InvalidRequest unless it is clear what is to be closed, and how */
function refuseUnclear(session: string | undefined, { label, force }: Flags): void {
  if ((session === undefined) === (label === undefined)) throw new InvalidRequest('Name either one session or a --label', { field: 'session' });
  if (label !== undefined && force === true) throw new InvalidRequest('--force closes one session: name it', { field: 'force' });
}

async function closeLabelled(tenant: Parameters<Parameters<typeof withTenant>[1]>[0], flags: Flags): Promise<void> {
  const done = await tenant.closeSessions({ labels: flags.label ?? {} });
  if (flags.json === true) await printJson(done);
  else for (const record of done.closed) await print(recordLine(record));
  const [first] = done.failed;
  if (first === undefined) return;
  throw new PartialDeletionFailure(
    `${done.failed.length} of ${done.failed.length + done.closed.length} sessions are not closed yet: ${first.session_id}: ${first.detail}`,
  );
}

async function show(record: LifecycleRecord, flags: Flags): Promise<void> {
  await (flags.json === true ? printJson(record) : print(recordLine(record)));
}
