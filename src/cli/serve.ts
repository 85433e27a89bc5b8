import { Command } from 'commander';
import { asUsage } from './failure.ts';
import { print, printJson } from './output.ts';
import { addSettingFlags, asColumns, printedSettings, settingsFrom } from './serve/settings-flags.ts';
import type { Flags } from './serve/settings-flags.ts';
import { catchStopSignals } from './stop-signals.ts';

/** `mayfly serve`: one embedded node behind HTTP. */
export function serveCommand(): Command {
  const command = new Command('serve')
    .description('Serve sessions over HTTP; prints its URL when it is ready, logs JSON to standard error')
    .option('--print-config', 'show every setting, where it comes from, its default and bounds, and end')
    .option('--json', 'with --print-config: print JSON')
    .addHelpText('after', '\nFlags win over MAYFLY_* variables, those over the config file. SIGTERM and SIGINT drain; a second one hastens.');
  return addSettingFlags(command).action(async (flags: Flags) => {
    const loaded = await asUsage(() => settingsFrom(flags, process.env));
    if (flags.printConfig === true) {
      const rows = printedSettings(loaded);
      await (flags.json === true ? printJson(rows) : print(asColumns(rows)));
      return;
    }
    // Caught to the very end: a signal that comes as the last files close must not cut them off.
    const signals = catchStopSignals();
    const { authenticatorOf } = await import('./serve/authenticator.ts');
    const authenticator = await asUsage(() => authenticatorOf(loaded.settings));
    const { serve } = await import('./serve/run.ts');
    await serve(loaded.settings, authenticator, signals);
  });
}
