import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { onFreePorts } from './free-port.ts';
import { ServerProcess, startAll } from './server-process.ts';

const ANSWER_MS_MAX = 500;

/** A server's place among the others: the names of both, and the route ports of all of them. */
interface NatsRoutes {
  readonly cluster: string;
  readonly name: string;
  readonly own: number;
  readonly all: readonly number[];
}

export interface NatsServerOptions {
  readonly folder: string;
  /** A configuration file for what is not said here, such as accounts. */
  readonly config?: string;
}

/** A NATS server with JetStream on 127.0.0.1. */
export class NatsServer extends ServerProcess {
  readonly port: number;
  readonly url: string;
  /** Its monitoring over HTTP: `/varz`, `/jsz`, `/healthz`. */
  readonly monitorUrl: string;
  readonly #name: string;

  constructor(port: number, monitorPort: number, { folder, config }: NatsServerOptions, routes?: NatsRoutes) {
    const name = routes?.name ?? `nats-${randomUUID()}`;
    super({
      program: 'nats-server',
      folder,
      args: `--addr 127.0.0.1 --port ${port} --http_port ${monitorPort} --server_name ${name} --jetstream`
        .split(' ')
        .concat(
          '--store_dir',
          path.resolve(folder),
          routes === undefined ? [] : routeFlags(routes),
          config === undefined ? [] : ['--config', path.resolve(config)],
        ),
    });
    this.port = port;
    this.url = `nats://127.0.0.1:${port}`;
    this.monitorUrl = `http://127.0.0.1:${monitorPort}`;
    this.#name = name;
  }

  /** Healthy means that JetStream is ready: in a cluster, that it has a leader. */
  protected override async answers(): Promise<boolean> {
    const [varz, healthz] = await Promise.all([this.#monitor('/varz'), this.#monitor('/healthz')]);
    return varz.includes(this.#name) && healthz.includes('"ok"');
  }

  async #monitor(page: string): Promise<string> {
    try {
      const answer = await fetch(`${this.monitorUrl}${page}`, { signal: AbortSignal.timeout(ANSWER_MS_MAX), headers: { Connection: 'close' } });
      return await answer.text();
    } catch {
      return '';
    }
  }
}

/** Starts one server: its streams have one replica. @throws Unavailable */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  return onFreePorts(2, async ([port, monitorPort]) => {
    const server = new NatsServer(port!, monitorPort!, options);
    await server.start();
    return server;
  });
}

const CLUSTER_SIZE = 3;

/** Starts three servers that form a cluster, each in a folder of its own below `folder`: streams can have three replicas. @throws Unavailable */
export async function startNatsCluster({ folder, ...rest }: NatsServerOptions): Promise<readonly NatsServer[]> {
  const cluster = `nats-${randomUUID()}`;
  return onFreePorts(3 * CLUSTER_SIZE, (ports) => {
    const all = ports.slice(0, CLUSTER_SIZE);
    const starts = all.map(async (own, at) => {
      // The same name at a second start: what its folder holds was written under it.
      const routes = { cluster, name: `${cluster}-${at + 1}`, own, all };
      const server = new NatsServer(ports[CLUSTER_SIZE + at]!, ports[2 * CLUSTER_SIZE + at]!, { ...rest, folder: path.join(folder, `nats-${at + 1}`) }, routes);
      await server.start();
      return server;
    });
    return startAll(starts, (server) => server.stop());
  });
}

function routeFlags({ cluster, own, all }: NatsRoutes): readonly string[] {
  const urls = all.filter((port) => port !== own).map((port) => `nats://127.0.0.1:${port}`);
  return ['--cluster_name', cluster, '--cluster', `nats://127.0.0.1:${own}`, '--routes', urls.join(',')];
}
