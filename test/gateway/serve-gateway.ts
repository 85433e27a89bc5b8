import { RandomIds } from '../../src/embedded/random-ids.ts';
import { SystemClock } from '../../src/embedded/system-clock.ts';
import { createAuthenticator } from '../../src/http/authentication.ts';
import type { TokenSettings } from '../../src/http/authentication.ts';
import { startHttpServer } from '../../src/http/server.ts';
import type { HttpServer, HttpServerOptions } from '../../src/http/server.ts';
import type { Log } from '../../src/ports/log.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { NODE } from './memory-gateway.ts';
import type { MemoryGateway } from './memory-gateway.ts';

export interface Serving extends Partial<HttpServerOptions> {
  readonly tokens?: TokenSettings;
  readonly log: Log;
}

/** The real HTTP server over a gateway in memory, on a free port. */
export async function serveGateway(gateway: MemoryGateway, { tokens, ...options }: Serving): Promise<HttpServer> {
  return startHttpServer({
    gateway,
    standing: (tenant, session) => gateway.standing(tenant, session),
    host: '127.0.0.1',
    port: 0,
    authenticator: await createAuthenticator(tokens),
    insecure: false,
    nodeId: NODE,
    status: () => ({ live: true, ready: true }),
    nodes: async () => [{ node_id: NODE }],
    clock: new SystemClock(),
    ids: new RandomIds(),
    metrics: createMetrics(),
    ...options,
  });
}
