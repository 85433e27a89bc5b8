import { InvalidRequest } from '../domain/errors.ts';
import type { Masters } from './masters.ts';
import type { OnRedisNotice } from './notice.ts';

/** SMISMEMBER is older; UNLINK and the rest are older still. */
const VERSION_MIN = [6, 2] as const;

/** What a master says of itself: INFO's fields, or why it says nothing. */
interface Reading {
  readonly name: string;
  readonly info: ReadonlyMap<string, string> | undefined;
  readonly failure: string | undefined;
}

/**
 * Refuses what would break a promise, warns of what could not be looked at.
 * @throws InvalidRequest (`redis`), Unavailable
 */
export async function checkMasters(masters: Masters, onNotice: OnRedisNotice): Promise<void> {
  // An error in words is an answer too: that server is there, and does not tell.
  const readings = await Promise.all(
    masters.all.map(async (master): Promise<Reading> => {
      try {
        return { name: master.name, info: infoOf(await master.ask(async (client) => client.info())), failure: undefined };
      } catch (error) {
        return { name: master.name, info: undefined, failure: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
  for (const { name, failure } of readings) {
    if (failure === undefined) continue;
    const fields = { master: name, error: failure };
    if (/^(NOPERM|ERR unknown command)/.test(failure)) {
      const detail = `The Redis master ${name} does not let INFO be read: make sure by hand that it is a master of its own with maxmemory-policy noeviction`;
      onNotice({ kind: 'redis_unchecked', detail, fields });
    } else {
      onNotice({ kind: 'redis_unreachable', detail: `The Redis master ${name} could not be checked: ${failure}`, fields });
    }
  }
  for (const { name, info } of readings) if (info !== undefined) refuseUnfit(name, info);
  refuseTwins(readings);
  // Last, so that wrong settings are told even while others cannot be reached.
  await masters.ask(async (master) => master.ask(async (client) => client.ping()));
}

function refuseUnfit(name: string, info: ReadonlyMap<string, string>): void {
  const version = info.get('redis_version') ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < VERSION_MIN[0] || (major === VERSION_MIN[0] && minor < VERSION_MIN[1])) {
    throw unfit(name, `runs Redis ${version}: ${VERSION_MIN.join('.')} or later is needed`);
  }
  if (info.get('role') !== 'master') throw unfit(name, 'is a replica: name independent masters, not the replicas of one');
  if (info.get('cluster_enabled') === '1') throw unfit(name, 'is part of a Redis Cluster: name independent servers, started with cluster-enabled no');
  const policy = info.get('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    throw unfit(name, `may throw leases away when its memory is full (maxmemory-policy ${policy}): set maxmemory-policy noeviction`);
  }
}

/** Two addresses of one server count twice and fail once. */
function refuseTwins(readings: readonly Reading[]): void {
  const seen = new Map<string, string>();
  for (const { name, info } of readings) {
    const run = info?.get('run_id');
    if (run === undefined) continue;
    const twin = seen.get(run);
    if (twin !== undefined) throw unfit(name, `is the same server as ${twin}: each must be a server of its own`);
    seen.set(run, name);
  }
}

function unfit(name: string, why: string): Error {
  return new InvalidRequest(`The Redis master ${name} ${why}`, { field: 'redis', master: name });
}

function infoOf(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\r\n').filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)] as const));
}
