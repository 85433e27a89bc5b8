import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { connect, type NatsConnection } from 'nats';
import type { NatsServer } from '../../src/cli/cluster/nats-server.ts';
import { JournalOutbox } from '../../src/embedded/outbox.ts';
import { SystemClock } from '../../src/embedded/system-clock.ts';
import { openNats } from '../../src/nats/open-nats.ts';
import { DECISIONS_STREAM, LIFECYCLE_STREAM } from '../../src/nats/streams.ts';
import { publishEndedSessions, tenantAt } from './ended-sessions.ts';
import type { LogConstants } from './scale-result.ts';

const DAY_MS = 86_400_000;
export const RETENTION_MS = 30 * DAY_MS;
const PURSUIT_MS = 2 * DAY_MS;
const TENANTS_MAX = 100;
/** A server with millions of records reads its files before it answers. */
const RESTART_MS_MAX = 600_000;

/** Fills a server's log with sessions that all ended, and measures what they cost. */
export async function measureLog(server: NatsServer, folder: string, sessions: number, note: (line: string) => void): Promise<LogConstants> {
  const tenants = Math.min(TENANTS_MAX, sessions);
  await withLog(server, folder, () => Promise.resolve());
  const memoryEmpty = await memoryOf(server);
  const sizes = await withClient(server, async (nats) => {
    await publishEndedSessions(nats, sessions, tenants, (done) => note(`${done} of ${sessions} sessions in the log`));
    return streamSizes(nats);
  });
  const memoryFilled = await memoryOf(server);
  const restartMs = await restart(server, () => server.stop(), sessions);
  const restartKilledMs = await restart(server, () => server.kill(), sessions);
  const memoryRestarted = await memoryOf(server);
  note('one tenant is read');
  return {
    sessions,
    tenants,
    record_bytes: Math.round(sizes.records / sessions),
    decision_bytes: Math.round(sizes.decisions / sessions),
    memory_empty_bytes: memoryEmpty,
    memory_filled_bytes: memoryFilled,
    memory_restarted_bytes: memoryRestarted,
    restart_ms: Math.round(restartMs),
    restart_killed_ms: Math.round(restartKilledMs),
    ...(await replay(server, folder)),
  };
}

type Replay = Pick<LogConstants, 'replay_records' | 'replay_first_ms' | 'replay_rate_per_s'>;

async function replay(server: NatsServer, folder: string): Promise<Replay> {
  return withLog(server, folder, async ({ log }) => {
    const from = performance.now();
    let firstMs = 0;
    let records = 0;
    for await (const entry of log.read(tenantAt(0), {})) {
      if (records === 0) firstMs = performance.now() - from;
      if (entry.record.tenant_id !== tenantAt(0)) throw new Error(`A record of ${entry.record.tenant_id} came among those of ${tenantAt(0)}`);
      records += 1;
    }
    const tookMs = performance.now() - from;
    return { replay_records: records, replay_first_ms: Number(firstMs.toPrecision(3)), replay_rate_per_s: Math.round((records / tookMs) * 1_000) };
  });
}

/** Opens the log as a node does, which makes the streams when they are not there. */
async function withLog<T>(server: NatsServer, folder: string, work: (adapters: Awaited<ReturnType<typeof openNats>>) => Promise<T>): Promise<T> {
  const clock = new SystemClock();
  const outbox = await JournalOutbox.open(path.join(folder, `outbox-${randomUUID()}`), { clock, onNotice: () => {}, retentionMs: RETENTION_MS });
  const holder = { node: 'bench', incarnation: randomUUID() };
  const terms = { retentionMs: RETENTION_MS, pursuitMs: PURSUIT_MS, secret: randomUUID() };
  const adapters = await openNats({ urls: [server.url], outbox, clock, holder, ...terms, onNotice: () => {} });
  try {
    return await work(adapters);
  } finally {
    await adapters.close();
    await outbox.close();
  }
}

async function withClient<T>(server: NatsServer, work: (nats: NatsConnection) => Promise<T>): Promise<T> {
  const nats = await connect({ servers: server.url });
  try {
    return await work(nats);
  } finally {
    await nats.close();
  }
}

/** Bytes of both streams on disk. */
async function streamSizes(nats: NatsConnection): Promise<{ readonly records: number; readonly decisions: number }> {
  const manager = await nats.jetstreamManager();
  const [records, decisions] = await Promise.all([LIFECYCLE_STREAM, DECISIONS_STREAM].map(async (name) => (await manager.streams.info(name)).state.bytes));
  return { records: records!, decisions: decisions! };
}

/** From the start of the server's program to its answer that everything is there; in ms. */
async function restart(server: NatsServer, end: () => Promise<void>, sessions: number): Promise<number> {
  await end();
  const from = performance.now();
  await server.start(RESTART_MS_MAX);
  return withClient(server, async (nats) => {
    const { state } = await (await nats.jetstreamManager()).streams.info(LIFECYCLE_STREAM);
    if (state.messages !== 2 * sessions) throw new Error(`After a restart the log holds ${state.messages} records of ${2 * sessions}`);
    return performance.now() - from;
  });
}

/** Resident memory, as the server tells it. */
async function memoryOf(server: NatsServer): Promise<number> {
  const answer = await fetch(`${server.monitorUrl}/varz`, { headers: { Connection: 'close' } });
  return ((await answer.json()) as { readonly mem: number }).mem;
}
