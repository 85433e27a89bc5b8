import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import type { TenantHandle } from '../client/tenant-handle.ts';
import { asUsage } from './failure.ts';
import { readerGone } from './output.ts';
import { catchStopSignals } from './stop-signals.ts';

export interface NodeFlags {
  readonly url: string;
  readonly tenant?: string;
  readonly token?: string;
  readonly json?: true;
}

/** The flags of every command that talks to a node. */
export function addNodeFlags(command: Command): Command {
  return command
    .addOption(new Option('--url <url>', 'the node').env('MAYFLY_URL').default('http://127.0.0.1:7464'))
    .addOption(new Option('--tenant <tenant>', 'whose sessions; not needed with a token that names the tenant').env('MAYFLY_TENANT'))
    .addOption(new Option('--token <token>', 'bearer token, where the node wants one').env('MAYFLY_TOKEN'))
    .option('--json', 'print JSON');
}

/** Runs a command's calls for its tenant; `signal` aborts when the command is to stop, or nobody reads its output any more. */
export async function withTenant(flags: NodeFlags, run: (tenant: TenantHandle, signal: AbortSignal) => Promise<void>): Promise<void> {
  const { url, token, tenant } = flags;
  const { connect } = await import('../client/connect.ts');
  const mayfly = await asUsage(() => connect(url, { ...(given(token) ? { token } : {}), ...(given(tenant) ? { tenant } : {}) }));
  const signals = catchStopSignals();
  try {
    const bound = await asUsage(() => mayfly.tenant());
    await run(bound, AbortSignal.any([signals.stop, readerGone]));
  } finally {
    signals.release();
    await mayfly.close();
  }
}

/** A variable that is set to nothing counts as not set. */
function given(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

/** Gathers `--label key:value`; @throws InvalidArgumentError for anything else */
export function collectLabel(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const at = text.indexOf(':');
  if (at < 1) throw new InvalidArgumentError('Write a label as key:value.');
  const key = text.slice(0, at);
  if (Object.hasOwn(before, key)) throw new InvalidArgumentError(`Name the label "${key}" once: a session has one value of it.`);
  return { ...before, [key]: text.slice(at + 1) };
}
