import { asMayflyError } from '../domain/errors.ts';
import type { SessionId } from '../domain/ids.ts';
import type { TenantGateway } from './tenant-gateway.ts';

export type Warn = (message: string, fields: Readonly<Record<string, unknown>>) => void;

interface Watched {
  readonly gateway: TenantGateway;
  readonly session: SessionId;
}

/** A registry that is itself collected calls nobody: guards are held until their node closes. */
const ON_DUTY = new Set<CollectionGuard>();

/**
 * Best effort for a caller who lost the handle that opened a session: the session is closed when the handle is
 * garbage-collected. The engine promises no time for that, so it is a net, not a way to close.
 */
export class CollectionGuard {
  readonly #warn: Warn;
  readonly #registry = new FinalizationRegistry<Watched>((lost) => {
    void this.#close(lost);
  });
  #stopped = false;

  constructor(warn: Warn) {
    this.#warn = warn;
    ON_DUTY.add(this);
  }

  watch(handle: object, watched: Watched): void {
    this.#registry.register(handle, watched, handle);
  }

  release(handle: object): void {
    this.#registry.unregister(handle);
  }

  /** The node closes everything itself from now on. */
  stop(): void {
    this.#stopped = true;
    ON_DUTY.delete(this);
  }

  async #close({ gateway, session }: Watched): Promise<void> {
    if (this.#stopped) return;
    try {
      const details = await gateway.describeSession(session);
      if (details.ended !== undefined) return;
      this.#warn('A session was garbage-collected while it was open; it is closed now. Close it, or use `await using`', { session_id: session });
      await gateway.closeSession(session, 'close');
    } catch (thrown) {
      const error = asMayflyError(thrown);
      if (error.code !== 'unknown_session')
        this.#warn('A garbage-collected session could not be closed', { session_id: session, code: error.code, detail: error.message });
    }
  }
}
