import { InvalidRequest } from '../domain/errors.ts';
import type { ClaimLock } from '../ports/claim-lock.ts';
import type { Clock } from '../ports/clock.ts';
import type { LeaseStore } from '../ports/lease-store.ts';
import { checkMasters } from './check-masters.ts';
import { RedlockClaimLock } from './claim-lock.ts';
import { RedisLeaseStore } from './lease-store.ts';
import { Master } from './master.ts';
import { Masters } from './masters.ts';
import type { OnRedisNotice } from './notice.ts';

export interface RedisOptions {
  /** Independent masters, an odd number: `redis://[user:password@]host:port[/db]`, or `rediss:` for TLS. */
  readonly urls: readonly string[];
  readonly clock: Clock;
  /** Told of masters that come and go, and of what the check could not see; must not throw. */
  readonly onNotice?: OnRedisNotice;
}

/** The adapters of a cluster's node that stand on Redis, over one connection to each master. */
export interface RedisAdapters {
  readonly leases: LeaseStore;
  readonly claims: ClaimLock;
  /**
   * Looks at every master's settings; to be asked once before the node serves.
   * @throws InvalidRequest (`redis`) in words that say what to change; Unavailable while no majority answers: ask again
   */
  check(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Connects to the masters. Those that cannot be reached now are tried for ever: what needs a majority meanwhile rejects
 * with `unavailable`.
 * @throws InvalidRequest (`redis`) for an even number of masters, or one that is named twice
 */
export async function openRedis({ urls, clock, onNotice = () => {} }: RedisOptions): Promise<RedisAdapters> {
  if (urls.length % 2 === 0) {
    throw new InvalidRequest(`${urls.length} Redis masters can split in halves of which neither is a majority: name an odd number, such as 1, 3 or 5`, {
      field: 'redis',
    });
  }
  const all = urls.map((url) => new Master(url, clock, onNotice));
  const twice = all.find(({ name }, at) => all.findIndex((other) => other.name === name) !== at);
  if (twice !== undefined) {
    throw new InvalidRequest(`The Redis master ${twice.name} is named twice: each must be a server of its own`, { field: 'redis' });
  }
  const masters = new Masters(all);
  await Promise.all(all.map(async (master) => master.connect()));
  const leases = new RedisLeaseStore(masters, onNotice);
  return {
    leases,
    claims: new RedlockClaimLock(masters, clock),
    check: () => checkMasters(masters, onNotice),
    close: () => leases.close(),
  };
}
