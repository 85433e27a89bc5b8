import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, type NatsConnection, type StreamInfo } from 'nats';
import { afterAll, beforeAll, onTestFinished, vi } from 'vitest';
import { startNatsCluster, startNatsServer, type NatsServer } from '../../src/cli/cluster/nats-server.ts';
import { JournalOutbox } from '../../src/embedded/outbox.ts';
import { SystemClock } from '../../src/embedded/system-clock.ts';
import type { NatsNotice } from '../../src/nats/notice.ts';
import { openNats, type NatsAdapters, type NatsOptions } from '../../src/nats/open-nats.ts';
import { DECISIONS_STREAM, LIFECYCLE_STREAM } from '../../src/nats/streams.ts';
import type { Outbox } from '../../src/ports/outbox.ts';
import { newHolder } from '../conformance/samples.ts';
import { scratchFolder } from '../embedded/scratch.ts';

export const DAY_MS = 24 * 3_600_000;

/** Waits for a condition as long as a busy machine needs. */
export function until<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 30_000, interval: 20 });
}

/** What one node has of NATS, with its own outbox. */
export interface NatsNode extends NatsAdapters {
  readonly outbox: Outbox;
  readonly folder: string;
  readonly notices: readonly NatsNotice[];
  /** Ends without settling anything more, as a crash does not either. */
  close(): Promise<void>;
}

export async function openNode(
  servers: readonly Pick<NatsServer, 'url'>[],
  options: Partial<NatsOptions> & { readonly folder?: string } = {},
): Promise<NatsNode> {
  const { folder = path.join(scratchFolder(), 'outbox'), ...others } = options;
  const clock = new SystemClock();
  const notices: NatsNotice[] = [];
  const outbox = await JournalOutbox.open(folder, { clock, onNotice: () => {}, retentionMs: 30 * DAY_MS });
  const adapters = await openNats({
    urls: servers.map(({ url }) => url),
    outbox,
    clock,
    holder: newHolder(),
    retentionMs: 30 * DAY_MS,
    pursuitMs: 2 * DAY_MS,
    secret: 'the secret of one cluster',
    onNotice: (notice) => notices.push(notice),
    ...others,
  }).catch(async (error: unknown) => {
    await outbox.close();
    throw error;
  });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= adapters.close().then(() => outbox.close()));
  onTestFinished(close);
  return {
    outbox,
    folder,
    notices,
    log: adapters.log,
    bus: adapters.bus,
    get isConnected() {
      return adapters.isConnected;
    },
    replay: () => adapters.replay(),
    close,
  };
}

/** A server of this test alone. */
export async function oneServer(): Promise<NatsServer> {
  const server = await startNatsServer({ folder: path.join(scratchFolder(), randomUUID()) });
  onTestFinished(() => server.kill());
  return server;
}

/** Servers for all tests of a suite, one or three that form a cluster. */
export function serversOfSuite(count: 1 | 3): readonly NatsServer[] {
  const servers: NatsServer[] = [];
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'mayfly-nats-'));
    servers.push(...(count === 1 ? [await startNatsServer({ folder })] : await startNatsCluster({ folder })));
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.kill()));
    rmSync(folder, { recursive: true, force: true });
  });
  return servers;
}

/** A plain client, as anybody may have one. */
export async function plainClient(servers: readonly NatsServer[]): Promise<NatsConnection> {
  const client = await connect({ servers: servers.map(({ port }) => `127.0.0.1:${port}`) });
  onTestFinished(() => client.close());
  return client;
}

export async function streamInfo(servers: readonly NatsServer[], stream: string): Promise<StreamInfo> {
  const client = await plainClient(servers);
  return (await client.request(`$JS.API.STREAM.INFO.${stream}`, '', { timeout: 5_000 })).json<StreamInfo>();
}

/** Messages in the lifecycle stream. */
export async function countMessages(servers: readonly NatsServer[]): Promise<number> {
  return (await streamInfo(servers, LIFECYCLE_STREAM)).state.messages;
}

/** Removes the streams with all that is in them. */
export async function removeStreams(servers: readonly NatsServer[]): Promise<void> {
  const client = await plainClient(servers);
  for (const stream of [LIFECYCLE_STREAM, DECISIONS_STREAM]) await client.request(`$JS.API.STREAM.DELETE.${stream}`, '', { timeout: 5_000 });
}
