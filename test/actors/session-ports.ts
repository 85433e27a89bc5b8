import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionIdentity, SessionPorts } from '../../actors/session-ports.ts';
import type { SessionId } from '../../src/domain/ids.ts';
import { parseTenant } from '../../src/domain/tenant.ts';
import { openEmbedded } from '../../src/embedded/embedded.ts';
import { RandomIds } from '../../src/embedded/random-ids.ts';
import { SystemClock } from '../../src/embedded/system-clock.ts';
import { startPool } from '../worker/harness.ts';

export interface OpenedPorts extends AsyncDisposable {
  readonly ports: SessionPorts;
  /** Process ids of the workers alive. */
  readonly workers: ReadonlySet<number>;
}

/** Real workers, journal and leases of one process under a session's feet. */
export async function openPorts(): Promise<OpenedPorts> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-actors-'));
  const clock = new SystemClock();
  const { dataDir, leases, claims, log, close } = await openEmbedded({ dataDir: join(folder, 'data'), clock, ids: new RandomIds() });
  const pool = await startPool();
  const ignore = (): void => undefined;
  return {
    workers: pool.pids,
    ports: {
      engine: pool.engine,
      leases,
      claims,
      log,
      clock,
      holder: dataDir.holder,
      isFenced: () => false,
      limits: { statementTimeoutMs: 30_000, queueMax: 8, claimTtlMs: 5_000, closeGraceMs: 50 },
      onEnded: ignore,
      onAbandoned: ignore,
      onDecided: ignore,
      onTrouble: ignore,
    },
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      await close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const newIdentity = (): SessionIdentity => ({ tenant: parseTenant('acme'), session: randomUUID() as SessionId });

/** The same object with some of its methods replaced. */
export function withMethods<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get: (of, key) => {
      const own: unknown = Reflect.get(methods, key) ?? Reflect.get(of, key);
      return typeof own === 'function' ? (own as (...args: unknown[]) => unknown).bind(of) : own;
    },
  });
}
