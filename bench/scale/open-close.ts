import { randomUUID } from 'node:crypto';
import { connect } from 'nats';
import type { NatsServer } from '../../src/cli/cluster/nats-server.ts';
import type { RedisServer } from '../../src/cli/cluster/redis-server.ts';
import { LIFECYCLE_STREAM } from '../../src/nats/streams.ts';
import { startNode, type NodeProcess } from '../node-process.ts';
import { summarise, timeRuns } from '../statistics.ts';
import { RETENTION_MS } from './log-constants.ts';
import type { OpenClose } from './scale-result.ts';

const ROUNDS = 5;
const WARM_UP_RUNS = 10;
/** Often, so that the first sweep, which reads the whole log once, is soon over. */
const SCAN_MS = 100;
const SWEPT_MS_MAX = 600_000;

export interface Servers {
  readonly redis: RedisServer;
  readonly nats: NatsServer;
}

/** Opens and closes sessions on two nodes in turn, one over an empty log and one over a full one. */
export async function compareOpenClose(empty: Servers, full: Servers, runs: number, note: (line: string) => void): Promise<OpenClose> {
  const sweep = await watchSweep(full.nats);
  const nodes: NodeProcess[] = [];
  try {
    for (const servers of [empty, full]) nodes.push(await startNode(flagsFor(servers)));
    note('the first sweep of the full log');
    await sweep.over;
    const sides = nodes.map((node) => ({ node, samplesMs: [] as number[], wallMs: 0 }));
    for (const { node } of sides) await timeRuns(WARM_UP_RUNS, 1, () => openAndClose(node));
    for (let round = 1; round <= ROUNDS; round += 1) {
      note(`sessions opened and closed, round ${round} of ${ROUNDS}`);
      for (const side of sides) {
        const { samplesMs, wallMs } = await timeRuns(Math.ceil(runs / ROUNDS), 1, () => openAndClose(side.node));
        side.samplesMs.push(...samplesMs);
        side.wallMs += wallMs;
      }
    }
    const [onEmpty, onFull] = sides.map(({ samplesMs, wallMs }) => summarise(samplesMs, wallMs));
    return { empty: onEmpty!, full: onFull!, slower_percent: Number((100 * (onFull!.p50_ms / onEmpty!.p50_ms - 1)).toFixed(1)) };
  } finally {
    await sweep.close();
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

function flagsFor({ redis, nats }: Servers): readonly string[] {
  const cluster = ['--redis', redis.url, '--nats', nats.url, '--cluster-secret', randomUUID()];
  return [...cluster, '--retention', `${RETENTION_MS}ms`, '--scan-ms', String(SCAN_MS)];
}

async function openAndClose(node: NodeProcess): Promise<void> {
  const { session_id: id } = (await node.call({ method: 'POST', path: '/v1/sessions', body: '{"timeout":"10m"}' })) as { readonly session_id: string };
  await node.call({ method: 'DELETE', path: `/v1/sessions/${id}` });
}

/** `over` resolves once somebody was done with reading the log, as a node that starts is after its first sweep. */
async function watchSweep(server: NatsServer): Promise<{ readonly over: Promise<void>; close(): Promise<void> }> {
  const nats = await connect({ servers: server.url });
  const over = new Promise<void>((resolve, reject) => {
    const heard = (error: Error | null): void => (error === null ? resolve() : reject(error));
    nats.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.DELETED.${LIFECYCLE_STREAM}.*`, { callback: heard, timeout: SWEPT_MS_MAX });
  });
  await nats.flush();
  return { over, close: () => nats.close() };
}
