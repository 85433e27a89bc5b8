import { Command } from 'commander';
import { catchStopSignals } from './stop-signals.ts';

/** `mayfly demo`: a session's whole life on real data, in this process. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('Show a session from its opening to its last record, on 200,000 real flights')
    .option('--json', 'print one JSON object')
    .action(async (options: { readonly json?: true }) => {
      const { runDemo } = await import('./demo/run.ts');
      const { jsonStage, terminalStage } = await import('./demo/stages.ts');
      // An interrupted demo still closes its session and removes its folder.
      const signals = catchStopSignals();
      try {
        await runDemo(options.json === true ? jsonStage() : terminalStage(), signals.stop);
      } finally {
        signals.release();
      }
    });
}
