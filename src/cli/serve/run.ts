import { once } from 'node:events';
import type { Settings } from '../../config.ts';
import { Unavailable } from '../../domain/errors.ts';
import type { Authenticator } from '../../http/authentication.ts';
import type { HttpServer, HttpServerOptions } from '../../http/options.ts';
import { startNode } from '../../node.ts';
import type { RunningNode } from '../../node.ts';
import { print } from '../output.ts';
import type { StopSignals } from '../stop-signals.ts';
import { collectBuffersEarly } from './buffer-garbage.ts';

/** How long calls that outlived their sessions may take to end; in ms. */
const LAST_CALLS_MS = 2_000;

/** Serves until the first stop signal, then drains; resolves when no process and no session file is left. */
export async function serve(settings: Settings, authenticator: Authenticator, signals: StopSignals): Promise<void> {
  // The server is loaded while a worker process starts.
  const [node, { startHttpServer }] = await Promise.all([startNode(settings), import('../../http/server.ts')]);
  let server: HttpServer | undefined;
  try {
    server = await listen(settings, authenticator, node, startHttpServer);
    const stopped = aborted(signals.stop);
    await Promise.race([node.serving, stopped]);
    if (!signals.stop.aborted) await print(server.url);
    await stopped;
    node.log.info({ drain_ms: settings.drainMs }, 'draining');
  } finally {
    await stop(node, server, signals);
  }
}

/** It listens before it serves: whoever asks `/readyz` meanwhile hears "not yet" rather than nothing. */
async function listen(
  settings: Settings,
  authenticator: Authenticator,
  node: RunningNode,
  startHttpServer: (options: HttpServerOptions) => Promise<HttpServer>,
): Promise<HttpServer> {
  const { gateway, standing, clock, ids, log } = node;
  const metrics = collectBuffersEarly(node.metrics);
  const { host, port, corsOrigin, insecure, nodeId, maxBodyBytes } = settings;
  const status = () => ({ live: node.phase !== 'stopped', ready: node.phase === 'serving', ...(node.phase === 'serving' ? {} : { reason: node.phase }) });
  const limits = { bodyMaxBytes: maxBodyBytes };
  const nodes = () => Promise.resolve(node.nodes().map(nodeView));
  try {
    const surface = { host, port, authenticator, limits, corsOrigin, insecure };
    let url = settings.advertise ?? undefined;
    const cluster = node.peers === undefined ? {} : { peers: node.peers, ownUrl: () => url };
    const server = await startHttpServer({ gateway, standing, ...surface, nodeId, status, nodes, ...cluster, clock, ids, log, metrics });
    url ??= server.url;
    node.announce(url);
    return server;
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause;
    throw new Unavailable(`Cannot listen on ${host}:${port}: ${cause.message}. Choose another --port or --host`, {}, { cause });
  }
}

/** One row of `/v1/cluster`. */
function nodeView({ holder, notice }: ReturnType<RunningNode['nodes']>[number]): object {
  const { url, state, sessions, sessionsMax } = notice ?? {};
  return { node_id: holder.node, incarnation: holder.incarnation, url, state, open_sessions: sessions, max_sessions: sessionsMax };
}

async function stop(node: RunningNode, server: HttpServer | undefined, { hasten }: StopSignals): Promise<void> {
  const hurry = (): void => {
    node.hasten().catch((error: unknown) => node.log.error({ err: error }, 'the hastened drain failed'));
  };
  hasten.addEventListener('abort', hurry, { once: true });
  if (hasten.aborted) hurry();
  try {
    // Sessions end first, with the server still there to answer the calls that end them.
    await node.drain();
  } finally {
    hasten.removeEventListener('abort', hurry);
    await server?.close({ drainMs: hasten.aborted ? 0 : LAST_CALLS_MS });
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
