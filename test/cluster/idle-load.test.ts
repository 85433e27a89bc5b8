import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import type { TenantHandle } from '../../src/index.ts';
import { startCluster, type RunningCluster } from './running-cluster.ts';

/** A hundred scans a second, and three sweeps: some seconds then tell a tenth more from none. */
const FLAGS = ['--heartbeat-ms', '500', '--fence-ms', '3000', '--claim-ms', '8000', '--scan-ms', '10', '--spare-workers', '1'];
const ROOM = ['--max-sessions', '2000', '--sessions-per-worker', '256'];
const SCANS = 600;
/** The sweep after the last opening reads it. */
const SCANS_TO_SETTLE = 60;
const OPENING_MAX = 8;

interface Load {
  /** Looks at all holders, one for each master and scan. */
  readonly scans: number;
  readonly commands: number;
  readonly messages: number;
}

/** What the servers have done so far: commands of all masters, and messages in and out of NATS. */
async function doneBy({ cluster }: RunningCluster): Promise<Load> {
  const infos = cluster.redis.map(async ({ url }) => {
    const redis = new Redis(url, { enableReadyCheck: false });
    const info = await redis.info('everything');
    redis.disconnect();
    return info;
  });
  const sum = (texts: readonly string[], pattern: RegExp): number => texts.reduce((all, text) => all + Number(pattern.exec(text)?.[1] ?? 0), 0);
  const varz = (await (await fetch(`${cluster.nats[0]?.monitorUrl}/varz`)).json()) as { in_msgs: number; out_msgs: number };
  const told = await Promise.all(infos);
  return {
    scans: sum(told, /cmdstat_hgetall:calls=(\d+)/) / cluster.redis.length,
    commands: sum(told, /total_commands_processed:(\d+)/),
    messages: varz.in_msgs + varz.out_msgs,
  };
}

async function afterScans(running: RunningCluster, count: number): Promise<Load> {
  const { scans } = await doneBy(running);
  await expect.poll(async () => (await doneBy(running)).scans - scans, { timeout: 60_000, interval: 500 }).toBeGreaterThanOrEqual(count);
  return doneBy(running);
}

/** What an idle cluster does for each scan: the same interval each time, whatever else the machine does meanwhile. */
async function idleLoad(running: RunningCluster): Promise<{ readonly commands: number; readonly messages: number }> {
  const began = await afterScans(running, SCANS_TO_SETTLE);
  const ended = await afterScans(running, SCANS);
  const scans = ended.scans - began.scans;
  return { commands: (ended.commands - began.commands) / scans, messages: (ended.messages - began.messages) / scans };
}

async function open(acme: TenantHandle, count: number): Promise<void> {
  let left = count;
  const openOnes = async (): Promise<void> => {
    while (left-- > 0) await acme.openSession({ timeout: '1h' });
  };
  await Promise.all(Array.from({ length: OPENING_MAX }, openOnes));
}

it('ten times the idle sessions cost Redis and NATS the same, to a tenth: 100 and 1,000 on a node', async () => {
  await using running = await startCluster({ nodes: 1, flags: [...FLAGS, ...ROOM] });
  const acme = running.everywhere.tenant('acme');
  await open(acme, 100);
  const few = await idleLoad(running);
  await open(acme, 900);
  const many = await idleLoad(running);
  expect(few.commands).toBeGreaterThan(2);
  expect(few.messages).toBeGreaterThan(0);
  expect(Math.abs(many.commands / few.commands - 1)).toBeLessThanOrEqual(0.1);
  expect(Math.abs(many.messages / few.messages - 1)).toBeLessThanOrEqual(0.1);
}, 180_000);
