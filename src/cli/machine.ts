import { Argument, Command, Option } from 'commander';
import { MACHINES, MACHINE_NAMES } from '../../machines/index.ts';
import type { MachineName } from '../../machines/index.ts';
import { chartOf } from '../chart/chart-of.ts';
import { toMermaid } from '../chart/mermaid.ts';
import { print } from './output.ts';

/** `mayfly machine <name>`: the chart of a machine, from the definition that runs. */
export function machineCommand(): Command {
  return new Command('machine')
    .description('Draw a state machine from its definition')
    .addArgument(new Argument('<name>', 'which machine').choices([...MACHINE_NAMES]))
    .addOption(new Option('--format <format>', 'how to draw it').choices(['mermaid', 'json']).default('mermaid'))
    .option('--json', 'the same as --format json')
    .action(async (name: MachineName, options: { readonly format: 'mermaid' | 'json'; readonly json?: true }) => {
      const chart = chartOf(MACHINES[name]);
      await print(options.json === true || options.format === 'json' ? JSON.stringify(chart, undefined, 2) : toMermaid(chart).trimEnd());
    });
}
