import { createRequire } from 'node:module';
import { Command } from 'commander';
import { auditCommand } from './audit.ts';
import { closeCommand } from './close.ts';
import { clusterCommand } from './cluster.ts';
import { demoCommand } from './demo.ts';
import { machineCommand } from './machine.ts';
import { nodesCommand } from './nodes.ts';
import { serveCommand } from './serve.ts';
import { sessionsCommand } from './sessions.ts';
import { sqlCommand } from './sql.ts';
import { watchCommand } from './watch.ts';

const { version } = createRequire(import.meta.url)('mayfly/package.json') as { readonly version: string };

/** The whole command line. Commands load what they run only when they run: `--help` starts no engine. */
export function program(): Command {
  const root = new Command('mayfly')
    .description('Throwaway SQL workspaces per request, agent or user')
    .version(version)
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage.');
  const commands = [
    serveCommand(),
    demoCommand(),
    clusterCommand(),
    nodesCommand(),
    sessionsCommand(),
    sqlCommand(),
    closeCommand(),
    watchCommand(),
    auditCommand(),
    machineCommand(),
  ];
  for (const command of commands) root.addCommand(command);
  for (const command of withSubcommands(root)) command.exitOverride().configureOutput({ outputError: complain });
  return root;
}

function withSubcommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap((below) => withSubcommands(below))];
}

/** Commander's own complaints in the form of all others, `code: message`. */
function complain(text: string, write: (text: string) => void): void {
  write(text.replace(/^error: /, 'invalid_request: '));
}
