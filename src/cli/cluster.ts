import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { InvalidRequest } from '../domain/errors.ts';
import { asUsage } from './failure.ts';
import { note, print } from './output.ts';
import { catchStopSignals } from './stop-signals.ts';

interface Flags {
  readonly nodes: string;
  readonly redis: string;
  readonly nats: string;
  readonly folder?: string;
}

const NODES_MAX = 32;

/** `mayfly cluster`: a whole cluster on this machine, to try things on. */
export function clusterCommand(): Command {
  return new Command('cluster')
    .description('Start Redis, NATS and nodes on free ports of this machine; prints the URLs, ends them on Ctrl-C')
    .option('--nodes <number>', `how many nodes, 1 to ${NODES_MAX}`, '3')
    .option('--redis <number>', 'how many Redis masters, an odd number', '3')
    .option('--nats <number>', 'how many NATS servers, 1 or 3', '1')
    .option('--folder <folder>', 'where everything is kept; a temporary folder, deleted at the end, unless given')
    .argument('[flags...]', 'flags of `mayfly serve` for every node, after --')
    .addHelpText('after', '\nNeeds redis-server and nats-server: sudo apt-get install -y redis-server nats-server')
    .action(async (nodeFlags: readonly string[], flags: Flags) => {
      const size = await asUsage(() => sizeOf(flags));
      const signals = catchStopSignals();
      const { LocalCluster } = await import('./cluster/local-cluster.ts');
      const folder = flags.folder ?? (await mkdtemp(path.join(tmpdir(), 'mayfly-cluster-')));
      try {
        const cluster = await LocalCluster.start({ folder, ...size, flags: nodeFlags, persistent: flags.folder !== undefined, onProgress: note });
        try {
          await print(cluster.nodes.map(({ nodeId, url }) => `${nodeId} ${url}`).join('\n'));
          note(`${cluster.nodes.length} nodes are ready; Ctrl-C ends them. Try: MAYFLY_URL=${cluster.nodes[0]?.url} mayfly nodes`);
          if (!signals.stop.aborted) await new Promise<void>((resolve) => signals.stop.addEventListener('abort', () => resolve(), { once: true }));
          note('stopping');
        } finally {
          await cluster.stop();
        }
      } finally {
        if (flags.folder === undefined) await rm(folder, { recursive: true, force: true });
      }
    });
}

/** @throws InvalidRequest naming the flag */
function sizeOf({ nodes, redis, nats }: Flags): { nodes: number; redis: number; nats: 1 | 3 } {
  const size = { nodes: wholeOf(nodes, 'nodes', NODES_MAX), redis: wholeOf(redis, 'redis', NODES_MAX), nats: wholeOf(nats, 'nats', 3) };
  if (size.redis % 2 === 0) throw new InvalidRequest('An even number of Redis masters can split in halves: give 1, 3 or 5', { field: 'redis' });
  if (size.nats === 2) throw new InvalidRequest('NATS runs alone or as three: give 1 or 3', { field: 'nats' });
  return { ...size, nats: size.nats === 1 ? 1 : 3 };
}

function wholeOf(text: string, field: string, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max) throw new InvalidRequest(`"${text}" is not a whole number from 1 to ${max}`, { field });
  return value;
}
