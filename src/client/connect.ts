import { parseTenant } from '../domain/tenant.ts';
import type { HttpCallerOptions } from './http-caller.ts';
import { HttpGateway } from './http-gateway.ts';
import { MayflyHandle } from './mayfly-handle.ts';
import { OpenedSessions } from './opened-sessions.ts';
import { bindTenant } from './tenant-gateway.ts';

export interface ConnectOptions extends HttpCallerOptions {
  /** Binds the client to one tenant: `tenant()` needs no name then. */
  readonly tenant?: string;
}

/**
 * A remote node or cluster, with the interface of an embedded one. No request is made before the first call.
 * @param url e.g. `http://127.0.0.1:7464`
 * @throws InvalidRequest when `url` is no http or https URL
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<MayflyHandle> {
  const { tenant, ...caller } = options;
  const gateway = new HttpGateway(url, caller);
  const opened = new OpenedSessions();
  // Without a token nobody but the caller can name the tenant.
  const named = (name: string | undefined) => (name === undefined && caller.token !== undefined ? undefined : parseTenant(name));
  return new MayflyHandle(gateway, {
    ...(tenant === undefined ? {} : { tenant }),
    bind: (name) => opened.track(bindTenant(gateway, named(name))),
    onClose: async () => {
      try {
        await opened.closeAll();
      } finally {
        gateway.close();
      }
    },
  });
}
