import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalCluster } from '../../src/cli/cluster/local-cluster.ts';
import { startNodeProcess, type NodeProcess } from '../../src/cli/cluster/node-process.ts';
import { RoundRobin } from '../cluster/round-robin.ts';

/** The nodes a suite runs against. A caller cannot tell how many there are: what holds for one holds for several. */
export class Deployment extends RoundRobin {
  readonly nodes: readonly NodeProcess[];
  readonly #folder: string;
  readonly #stopServers: () => Promise<void>;

  constructor(folder: string, nodes: readonly NodeProcess[], stopServers: () => Promise<void>) {
    super(nodes);
    this.nodes = nodes;
    this.#folder = folder;
    this.#stopServers = stopServers;
  }

  /** Kills every node, as nothing can catch. */
  async kill(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.end('SIGKILL')));
  }

  /** After `kill`: resolves when each is ready again, at its old address and on its old data. */
  async start(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()));
  }

  /** Process ids of all nodes' workers. */
  workers(): readonly number[] {
    return this.nodes.flatMap((node) => node.workers());
  }

  /** What lies in the nodes' spill folders. */
  async spilled(): Promise<string[]> {
    const folders = this.nodes.map(({ nodeId }) => readdir(join(this.#folder, nodeId, 'data', 'spill'), { recursive: true }));
    return (await Promise.all(folders)).flat();
  }

  /** Lets the nodes drain; their exit codes. Null for one that was gone already. */
  async stop(): Promise<readonly (number | null)[]> {
    const codes = await Promise.all(this.nodes.map((node) => node.end('SIGTERM')));
    await this.#stopServers();
    return codes;
  }
}

type Deploy = (folder: string, ...flags: readonly string[]) => Promise<Deployment>;

export const DEPLOYMENTS: Readonly<Record<string, Deploy>> = {
  async 'a node of its own'(folder, ...flags) {
    const node = await startNodeProcess({ folder: join(folder, 'node-1'), nodeId: 'node-1', flags });
    return new Deployment(folder, [node], () => Promise.resolve());
  },
  async 'three nodes in turn'(folder, ...flags) {
    const cluster = await LocalCluster.start({ folder, nodes: 3, redis: 3, nats: 1, flags: ['--spare-workers', '1', ...flags] });
    return new Deployment(folder, cluster.nodes, () => cluster.stop('SIGKILL'));
  },
};
