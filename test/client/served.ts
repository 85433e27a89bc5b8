import { connect } from '../../src/client/connect.ts';
import type { ConnectOptions } from '../../src/client/connect.ts';
import { MayflyHandle } from '../../src/client/mayfly-handle.ts';
import type { TokenSettings } from '../../src/http/authentication.ts';
import { createLog } from '../../src/observe/log.ts';
import { MemoryGateway } from '../gateway/memory-gateway.ts';
import { serveGateway } from '../gateway/serve-gateway.ts';

/** A Mayfly under test, the gateway behind it, and how to stop both. */
export interface Served {
  readonly mayfly: MayflyHandle;
  readonly gateway: MemoryGateway;
  readonly url?: string;
  readonly stop: () => Promise<void>;
}

/** The handles over the gateway itself, as an embedded node has them. */
export async function embedded(): Promise<Served> {
  const gateway = new MemoryGateway();
  const mayfly = new MayflyHandle(gateway, { autoCloseOnCollect: true });
  return { mayfly, gateway, stop: () => mayfly.close() };
}

/** The handles over the real HTTP server and the remote client. */
export async function remote(options: ConnectOptions = {}, tokens: TokenSettings = {}): Promise<Served & { readonly url: string }> {
  const gateway = new MemoryGateway();
  const server = await serveGateway(gateway, { tokens, log: createLog('silent') });
  const mayfly = await connect(server.url, options);
  return {
    mayfly,
    gateway,
    url: server.url,
    async stop() {
      await mayfly.close();
      await server.close({ drainMs: 0 });
    },
  };
}
