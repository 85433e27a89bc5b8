import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { startNatsCluster, startNatsServer, type NatsServer } from './nats-server.ts';
import { startNodeProcess, type NodeProcess } from './node-process.ts';
import { startRedisServers, type RedisServer } from './redis-server.ts';
import { startAll } from './server-process.ts';

export interface LocalClusterOptions {
  /** Everything it writes lies here; made if it is not there, never deleted. */
  readonly folder: string;
  readonly nodes: number;
  /** Redis masters, an odd number. */
  readonly redis: number;
  /** 1, or 3 for replicated streams. */
  readonly nats: 1 | 3;
  /** Whether Redis keeps what it holds through a restart. */
  readonly persistent?: boolean;
  /** Further flags of `mayfly serve`, for every node. */
  readonly flags?: readonly string[];
  /** Told before each step. */
  readonly onProgress?: (what: string) => void;
}

/** Redis, NATS and nodes as child processes on free ports of 127.0.0.1. */
export class LocalCluster {
  readonly redis: readonly RedisServer[];
  readonly nats: readonly NatsServer[];
  readonly nodes: readonly NodeProcess[];

  private constructor(redis: readonly RedisServer[], nats: readonly NatsServer[], nodes: readonly NodeProcess[]) {
    this.redis = redis;
    this.nats = nats;
    this.nodes = nodes;
  }

  /** Resolves when every node is ready. @throws Unavailable when a server's program is missing or does not start */
  static async start({ folder, onProgress = () => undefined, ...options }: LocalClusterOptions): Promise<LocalCluster> {
    onProgress(`starting ${options.redis} Redis masters`);
    const redis = await startRedisServers(options.redis, { folder: path.join(folder, 'redis'), persistent: options.persistent ?? false });
    let nats: readonly NatsServer[] = [];
    try {
      onProgress(`starting ${options.nats === 1 ? 'a NATS server' : `${options.nats} NATS servers`}`);
      const natsFolder = path.join(folder, 'nats');
      nats = options.nats === 1 ? [await startNatsServer({ folder: natsFolder })] : await startNatsCluster({ folder: natsFolder });
      onProgress(`starting ${options.nodes} nodes`);
      return new LocalCluster(redis, nats, await startNodes(folder, options, redis, nats));
    } catch (error) {
      await new LocalCluster(redis, nats, []).stop();
      throw error;
    }
  }

  /** Nodes first, which still need their servers to end what is open. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.end(signal)));
    await Promise.all([...this.redis, ...this.nats].map((server) => server.stop()));
  }
}

async function startNodes(
  folder: string,
  { nodes, flags = [] }: Pick<LocalClusterOptions, 'nodes' | 'flags'>,
  redis: readonly RedisServer[],
  nats: readonly NatsServer[],
): Promise<readonly NodeProcess[]> {
  const urls = (servers: readonly { readonly url: string }[]): string => servers.map(({ url }) => url).join(',');
  const env = { MAYFLY_CLUSTER_SECRET: randomBytes(24).toString('base64url') };
  const starts = Array.from({ length: nodes }, async (_, at) => {
    const nodeId = `node-${at + 1}`;
    return startNodeProcess({ folder: path.join(folder, nodeId), nodeId, env, flags: ['--redis', urls(redis), '--nats', urls(nats), ...flags] });
  });
  return startAll(starts, (node) => node.end('SIGKILL'));
}
