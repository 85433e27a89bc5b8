import { Command, InvalidArgumentError, Option } from 'commander';
import type { SessionState } from '../domain/gateway.ts';
import { alignColumns } from './columns.ts';
import { addNodeFlags, collectLabel, withTenant } from './node-connection.ts';
import type { NodeFlags } from './node-connection.ts';
import { print, printJson } from './output.ts';

const STATES = ['open', 'active', 'closing', 'closed', 'timed_out', 'partial_failure'] as const satisfies readonly SessionState[];
const LIMIT_DEFAULT = 100;

interface Flags extends NodeFlags {
  readonly state?: SessionState;
  readonly label?: Readonly<Record<string, string>>;
  readonly limit: number;
}

/** `mayfly sessions`: a tenant's live and recently ended sessions. */
export function sessionsCommand(): Command {
  return addNodeFlags(new Command('sessions'))
    .description("List a tenant's live and recently ended sessions")
    .addOption(new Option('--state <state>', 'only those in this state').choices([...STATES]))
    .addOption(new Option('--label <key:value>', 'only those with this label; may be repeated').argParser(collectLabel))
    .option('--limit <number>', 'at most so many', wholeNumber, LIMIT_DEFAULT)
    .action(async (flags: Flags) => {
      const { state, label, limit } = flags;
      await withTenant(flags, async (tenant) => {
        const sessions = await tenant.sessions({
          ...(state === undefined ? {} : { state }),
          ...(label === undefined ? {} : { labels: label }),
          limit,
        });
        if (flags.json === true) return printJson({ sessions });
        const rows = sessions.map((session) => [session.session_id, session.state, session.expires_at ?? 'none']);
        await print(alignColumns(['session', 'state', 'expires'], rows));
      });
    });
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Give a whole number above 0.');
  return Number(text);
}
