import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SessionActor } from '../../actors/session-actor.ts';
import type { SessionPorts } from '../../actors/session-ports.ts';
import { startNatsServer, type NatsServer } from '../../src/cli/cluster/nats-server.ts';
import { startRedisServers, type RedisServer } from '../../src/cli/cluster/redis-server.ts';
import type { SessionId } from '../../src/domain/ids.ts';
import { parseTenant } from '../../src/domain/tenant.ts';
import { JournalOutbox } from '../../src/embedded/outbox.ts';
import { SystemClock } from '../../src/embedded/system-clock.ts';
import { openNats } from '../../src/nats/open-nats.ts';
import type { Holder } from '../../src/ports/lease-store.ts';
import type { DropReceipt, Slot, TableEngine } from '../../src/ports/table-engine.ts';
import { openRedis } from '../../src/redis/open-redis.ts';
import { startPool, type Pool } from '../worker/harness.ts';

const SESSIONS = 200;
const NODES = ['owner', 'scanner-1', 'scanner-2'] as const;
const acme = parseTenant('acme');
const clock = new SystemClock();

/** Lets nobody past until so many stand there, so that all of them take the next step at once. */
class Barrier {
  readonly #count: number;
  #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#count = count;
  }

  pass(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length < this.#count) return;
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }
}

/** An engine that writes down every drop its workers answer. */
function withLedger(engine: TableEngine, ledger: Map<SessionId, DropReceipt[]>): TableEngine {
  return {
    openSlot: async (request) => {
      const slot = await engine.openSlot(request);
      const drop: Slot['drop'] = async (token) => {
        const receipt = await slot.drop(token);
        ledger.set(request.session, [...(ledger.get(request.session) ?? []), receipt]);
        return receipt;
      };
      return new Proxy(slot, { get: (target, key) => (key === 'drop' ? drop : bound(target, key)) });
    },
    serveWithin: (window) => engine.serveWithin(window),
    close: () => engine.close(),
  };
}

function bound(target: Slot, key: string | symbol): unknown {
  const value: unknown = Reflect.get(target, key);
  return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
}

describe('a close, the deadline and two scanners at the same step', () => {
  let folder: string;
  let redis: readonly RedisServer[];
  let nats: NatsServer;
  let pool: Pool;
  const closers: (() => Promise<void>)[] = [];
  const drops = new Map<SessionId, DropReceipt[]>();
  const barriers = new Map<SessionId, Barrier>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mayfly-race-'));
    redis = await startRedisServers(3, { folder });
    nats = await startNatsServer({ folder: join(folder, 'nats') });
    pool = await startPool({ maxWorkers: 8, sessionsPerWorkerMax: 32 });
  });
  afterAll(async () => {
    for (const close of closers) await close();
    await pool[Symbol.asyncDispose]();
    await Promise.all([...redis, nats].map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  /** One node's ports over real servers; before it decides it waits for the others of that session. */
  async function portsOf(node: string): Promise<SessionPorts> {
    const holder: Holder = { node, incarnation: randomUUID() };
    const { leases, claims, close } = await openRedis({ urls: redis.map(({ url }) => url), clock });
    const outbox = await JournalOutbox.open(join(folder, node), { clock, onNotice: () => undefined, retentionMs: 864e5 });
    const stream = await openNats({
      urls: [nats.url],
      outbox,
      clock,
      holder,
      retentionMs: 30 * 864e5,
      pursuitMs: 2 * 864e5,
      secret: 'the nodes of a race',
      onNotice: () => undefined,
    });
    closers.push(
      close,
      () => stream.close(),
      () => outbox.close(),
    );
    const { log } = stream;
    return {
      engine: withLedger(pool.engine, drops),
      leases,
      claims,
      log: new Proxy(log, {
        get: (target, key) => {
          if (key !== 'decide') return bound(target as never, key);
          return async (decision: Parameters<typeof log.decide>[0]) => {
            await barriers.get(decision.session)?.pass();
            return log.decide(decision);
          };
        },
      }),
      clock,
      holder,
      isFenced: () => false,
      limits: { statementTimeoutMs: 30_000, queueMax: 8, claimTtlMs: 5_000, closeGraceMs: 50 },
      onEnded: () => undefined,
      onAbandoned: () => undefined,
      onDecided: () => undefined,
      onTrouble: () => undefined,
    };
  }

  it(`leaves one drop and one terminal record each, for ${SESSIONS} sessions (I1, I2, I4)`, async () => {
    const [owner, ...scanners] = await Promise.all(NODES.map(portsOf));
    if (owner === undefined) throw new Error('there is an owner');
    const race = async (): Promise<void> => {
      const identity = { tenant: acme, session: randomUUID() as SessionId };
      const session = SessionActor.open(owner, identity, { createdAtMs: clock.wallMs(), timeoutMs: 60_000, idleTimeoutMs: null });
      await session.opened();
      const name = 't' as never;
      await session.work({}, async (slot, options) => {
        const { rows } = await slot.createTable(name, { kind: 'query', query: 'SELECT * FROM range(7)' }, [], options);
        await session.noteCount({ name, rows });
      });
      barriers.set(identity.session, new Barrier(NODES.length));
      // The deadline falls together with the close: both ask, one is heard.
      session.extend({ timeoutMs: Math.ceil(session.ageMs()) + 5, idleTimeoutMs: null });
      const ledger = { tables: [{ name, rows: 7 }], created: 1, droppedRows: 0, atLeast: false };
      const adoption = {
        holder: owner.holder,
        openedAtMs: clock.wallMs(),
        reason: 'lease_expired',
        ledger,
        spill: 'until_restart',
        prove: () => Promise.resolve(undefined),
      } as const;
      const adopted = scanners.map((ports) => SessionActor.adopt(ports, identity, adoption));
      const ends = await Promise.all([session.close('close').catch(() => session.ended), ...adopted.map(({ ended }) => ended)]);
      for (const end of ends) expect(end).toEqual(ends[0]);
      const chain = await owner.log.chain(acme, identity.session);
      expect(chain.map(({ record }) => record.event).join(' ')).toMatch(/^opened( partial_deletion_failure)*( closed| timed_out)$/);
      const standing = await owner.log.decision(acme, identity.session);
      expect(chain.at(-1)?.record).toMatchObject({ event: standing?.decision.event, deleted_row_count: 7, details: { reason: standing?.decision.reason } });
      const dropped = (drops.get(identity.session) ?? []).flatMap((receipt) => receipt.dropped);
      expect(dropped).toEqual([{ name, rows: 7 }]);
    };
    for (let done = 0; done < SESSIONS; done += 20) await Promise.all(Array.from({ length: 20 }, race));
    expect(drops.size).toBe(SESSIONS);
  });
});
