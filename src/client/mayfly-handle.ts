import { parseDuration, type DurationInput } from '../domain/duration.ts';
import { Forbidden, Unavailable } from '../domain/errors.ts';
import type { Gateway } from '../domain/gateway.ts';
import { parseTenant } from '../domain/tenant.ts';
import { CollectionGuard, type Warn } from './collection-guard.ts';
import { bindTenant, type TenantGateway } from './tenant-gateway.ts';
import { TenantHandle } from './tenant-handle.ts';

export interface MayflyHandleOptions {
  /** The one tenant of this handle: `tenant()` needs no name then, and another name is `forbidden`. */
  readonly tenant?: string;
  /** Binds a tenant's name to the gateway; the remote client passes one that leaves an absent name to the token. */
  readonly bind?: (name: string | undefined) => TenantGateway;
  /** Ends what stands behind the gateway. `drainMs` is undefined when the caller named no drain. Called once. */
  readonly onClose?: (drainMs: number | undefined) => Promise<void>;
  /** An embedded node: sessions whose opening handle was garbage-collected are closed, with a warning. */
  readonly autoCloseOnCollect?: boolean;
  /** Where that warning goes. */
  readonly warn?: Warn;
}

/** A node or a cluster, embedded or remote: where tenants' sessions are opened. */
export class MayflyHandle {
  readonly #bind: (name: string | undefined) => TenantGateway;
  readonly #fixed: string | undefined;
  readonly #guard: CollectionGuard | undefined;
  readonly #onClose: (drainMs: number | undefined) => Promise<void>;
  #closing: Promise<void> | undefined;

  constructor(gateway: Gateway, options: MayflyHandleOptions = {}) {
    this.#bind = options.bind ?? ((name) => bindTenant(gateway, parseTenant(name)));
    this.#fixed = options.tenant === undefined ? undefined : parseTenant(options.tenant);
    this.#guard = options.autoCloseOnCollect === true ? new CollectionGuard(options.warn ?? (() => undefined)) : undefined;
    this.#onClose = options.onClose ?? (() => Promise.resolve());
  }

  /**
   * Binds every further call to a tenant.
   * @throws NoTenantBinding for '' or undefined, unless a token or `connect` names the tenant
   * @throws Forbidden for another tenant than the one this handle is fixed to
   */
  tenant(name?: string): TenantHandle {
    if (this.#closing !== undefined) throw new Unavailable('This Mayfly is closed: open or connect another one');
    if (this.#fixed !== undefined && name !== undefined && name !== '' && name !== this.#fixed) {
      throw new Forbidden('This Mayfly is bound to another tenant: leave the name out, or connect for that tenant');
    }
    // An empty name is a caller's mistake (a missing variable), never "whatever the token says".
    const asked = name === '' ? parseTenant(name) : (name ?? this.#fixed);
    return new TenantHandle(this.#bind(asked), asked, this.#guard);
  }

  /**
   * Closes what is open here: an embedded node ends its sessions (running ones get up to `drain`), a remote client lets
   * go of its connections, and closes the sessions that were opened through it. Again: the same promise.
   */
  close(options: { readonly drain?: DurationInput } = {}): Promise<void> {
    this.#closing ??= this.#close(options.drain);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(drain: DurationInput | undefined): Promise<void> {
    const drainMs = drain === undefined ? undefined : parseDuration(drain, 'drain');
    this.#guard?.stop();
    await this.#onClose(drainMs);
  }
}
