import { join } from 'node:path';
import { workerSupervision } from '../actors/worker-actor.ts';
import { connect } from './client/connect.ts';
import type { ConnectOptions } from './client/connect.ts';
import { MayflyHandle } from './client/mayfly-handle.ts';
import { LocalNode } from './cluster/local-node.ts';
import { loadSettings } from './config.ts';
import type { Settings, SettingsInput } from './config.ts';
import type { NodePhase } from '../actors/node-actor.ts';
import { MayflyError } from './domain/errors.ts';
import type { Gateway } from './domain/gateway.ts';
import { openEmbedded } from './embedded/embedded.ts';
import { RandomIds } from './embedded/random-ids.ts';
import { SystemClock } from './embedded/system-clock.ts';
import { createLog } from './observe/log.ts';
import { createMetrics } from './observe/metrics.ts';
import type { MetricsRegistry } from './observe/metrics.ts';
import type { Clock } from './ports/clock.ts';
import type { Holder } from './ports/lease-store.ts';
import type { Log } from './ports/log.ts';
import type { IdSource } from './domain/ids.ts';
import { WorkerTableEngine } from './worker/pool.ts';

/** A node that runs in this process, with what a server needs to put it on the network. */
export interface EmbeddedNode {
  readonly gateway: Gateway;
  readonly holder: Holder;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  readonly phase: NodePhase;
  readonly openSessions: number;
  /** Resolves when sessions may be opened. */
  readonly serving: Promise<void>;
  /** Lets sessions end for `drainMs`, closes the rest, stops; resolves when no process and no session file is left. */
  drain(drainMs?: number): Promise<void>;
  /** During a drain: closes at once what is still open. */
  hasten(): Promise<void>;
}

/** How long a claim on closing lasts, and how long work may go on under a close; in ms. */
const CLAIM_TTL_MS = 5_000;
const CLOSE_GRACE_MS = 200;

/**
 * Puts a node together from the embedded adapters: journal, leases and claims in one process, tables in worker processes.
 * @throws DataDirLocked while another process holds `settings.dataDir`
 */
export async function startEmbeddedNode(settings: Settings): Promise<EmbeddedNode> {
  const clock = new SystemClock();
  const ids = new RandomIds();
  const metrics = createMetrics();
  const log = createLog(settings.logLevel);
  const embedded = await openEmbedded({
    dataDir: settings.dataDir,
    clock,
    ids,
    nodeId: settings.nodeId,
    retentionMs: settings.retentionMs ?? Number.MAX_SAFE_INTEGER,
    onNotice: ({ kind, detail, fields }) => log.warn({ kind, ...fields }, detail),
  });
  const { dataDir } = embedded;
  try {
    const engine = await WorkerTableEngine.start({
      spillRoot: join(dataDir.spillRoot, dataDir.holder.incarnation),
      maxWorkers: settings.maxWorkers,
      spareWorkers: settings.spareWorkers,
      sessionsPerWorkerMax: settings.sessionsPerWorker,
      supervise: workerSupervision(clock),
      clock,
      onSpawn: (pid) => dataDir.recordProcess(pid),
      onExit: (pid) => dataDir.forgetProcess(pid),
      onLine: (pid, line) => log.warn({ worker_pid: pid }, line),
    });
    const node = new LocalNode({
      ports: {
        engine,
        leases: embedded.leases,
        claims: embedded.claims,
        log: embedded.log,
        clock,
        holder: dataDir.holder,
        limits: {
          statementTimeoutMs: settings.statementTimeoutMs,
          memoryLimitBytes: settings.memoryLimitBytes,
          queueMax: settings.maxQueue,
          claimTtlMs: CLAIM_TTL_MS,
          closeGraceMs: CLOSE_GRACE_MS,
        },
        onTrouble: (what, { tenant, session }, error) => log.warn({ tenant_id: tenant, session_id: session, error: detailOf(error) }, what),
      },
      ids,
      lifetime: settings,
      sessionsMax: settings.maxSessions,
      sessionsPerTenantMax: settings.maxSessionsPerTenant,
      heartbeatMs: settings.heartbeatMs,
      fenceMs: settings.fenceMs,
      claimMs: settings.claimMs,
      scanMs: settings.scanMs,
      drainMs: settings.drainMs,
      metrics,
      isDead: (holder) => holder.incarnation !== dataDir.holder.incarnation,
      onStop: () => embedded.close(),
    });
    return {
      gateway: node.router,
      holder: dataDir.holder,
      clock,
      ids,
      log,
      metrics,
      get phase() {
        return node.phase;
      },
      get openSessions() {
        return node.openSessions;
      },
      serving: node.serving,
      drain: (drainMs) => node.drain(drainMs),
      hasten: () => node.hasten(),
    };
  } catch (error) {
    await embedded.close();
    throw error;
  }
}

/** Throwaway SQL workspaces: embedded in this process, or on a remote node. */
export class Mayfly extends MayflyHandle {
  /**
   * An embedded node; no server is needed. Settings are those of `mayfly serve`, e.g. `{ dataDir: '.mayfly' }`.
   * @throws InvalidRequest naming the setting; DataDirLocked while another process holds the folder
   */
  static async open(options: SettingsInput = {}): Promise<MayflyHandle> {
    const { settings } = loadSettings({ flags: { logLevel: 'warn', ...options } });
    const node = await startEmbeddedNode(settings);
    await node.serving;
    return new Mayfly(node.gateway, {
      autoCloseOnCollect: true,
      warn: (message, fields) => node.log.warn(fields, message),
      onClose: (drainMs) => node.drain(drainMs ?? 0),
    });
  }

  /** A remote node or cluster: the same interface, the same errors. */
  static connect(url: string, options: ConnectOptions = {}): Promise<MayflyHandle> {
    return connect(url, options);
  }
}

function detailOf(error: unknown): string {
  if (error instanceof MayflyError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
