import { LifeWatch } from './cluster/life-watch.ts';
import type { Settings } from './config.ts';
import { InvalidRequest } from './domain/errors.ts';
import { openDataDir } from './embedded/data-dir.ts';
import { timedJournalFiles } from './embedded/journal-files.ts';
import { JournalOutbox } from './embedded/outbox.ts';
import { openNats } from './nats/open-nats.ts';
import type { AdapterNeeds, NodeAdapters } from './node-adapters.ts';
import type { Holder } from './ports/lease-store.ts';
import { openRedis } from './redis/open-redis.ts';
import { LifePort, probeLife } from './worker/life-port.ts';

interface Notice {
  readonly kind: string;
  readonly detail: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Leases and claims in Redis, the log in JetStream with this folder's outbox before it.
 * @throws DataDirLocked; InvalidRequest for servers or addresses that would break a promise; Unavailable when they are out of reach
 */
export async function openClusterAdapters(settings: Settings, { clock, ids, log, metrics }: AdapterNeeds): Promise<NodeAdapters> {
  const onNotice = ({ kind, detail, fields }: Notice): void => log.warn({ kind, ...fields }, detail);
  const closers: (() => Promise<void>)[] = [];
  /** In the reverse of the order in which they were opened, whatever fails. */
  const close = async (): Promise<void> => {
    for (const closeOne of closers.splice(0).toReversed()) await closeOne().catch((error: unknown) => log.warn({ err: error }, 'not closed cleanly'));
  };
  try {
    const dataDir = await openDataDir(settings.dataDir, { clock, ids, nodeId: settings.nodeId, onNotice });
    closers.push(() => dataDir.release());
    const lifePort = await LifePort.open(lifeHostOf(settings));
    closers.push(() => lifePort.close());
    const holder: Holder = { ...dataDir.holder, life: lifePort.name };
    const redis = await openRedis({ urls: settings.redis, clock, onNotice });
    closers.push(() => redis.close());
    await redis.check();
    const outbox = await JournalOutbox.open(dataDir.outboxFolder, {
      clock,
      onNotice,
      files: timedJournalFiles(clock, (seconds) => metrics.journalFsync(seconds)),
      retentionMs: settings.retentionMs ?? Number.MAX_SAFE_INTEGER,
    });
    closers.push(() => outbox.close());
    const nats = await openNats({
      urls: settings.nats,
      outbox,
      clock,
      holder,
      retentionMs: settings.retentionMs,
      pursuitMs: pursuitMsOf(settings),
      secret: settings.clusterSecret ?? '',
      onNotice,
    });
    closers.push(() => nats.close());
    await nats.replay();
    const life = new LifeWatch(clock, probeLife);
    return {
      dataDir,
      holder,
      leases: redis.leases,
      claims: redis.claims,
      log: nats.log,
      isPredecessor: (other) => dataDir.isPredecessor(other),
      lifePort,
      listen: (onRevoked) => nats.bus.listen(holder, { onRevoked }),
      links: {
        life: lifePort.name,
        lifeOf: (other) => life.of(other),
        answers: (other) => nats.bus.ping(other),
        hint: (other, session) => nats.bus.revoke(other, session),
        reachesLog: () => nats.bus.isConnected,
        random: Math.random,
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** From the opening of a session to its last record at most; null when one of the two has no bound. */
function pursuitMsOf({ timeoutMaxMs, unreachableGraceMs }: Settings): number | null {
  return timeoutMaxMs === null || unreachableGraceMs === null ? null : timeoutMaxMs + unreachableGraceMs;
}

/** The life port has to be where others look for it, and this machine's alone. */
function lifeHostOf({ host, advertise }: Settings): string {
  const named = advertise === null ? host : new URL(advertise).hostname.replace(/^\[|\]$/g, '');
  if (named === '0.0.0.0' || named === '::') {
    throw new InvalidRequest(`Others cannot tell where "${named}" is: advertise an address or a name of this machine, such as http://10.0.0.7:7464`, {
      field: 'advertise',
    });
  }
  return named;
}
