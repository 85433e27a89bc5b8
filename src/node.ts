import { join } from 'node:path';
import type { NodePhase } from '../actors/node-actor.ts';
import type { SessionPorts } from '../actors/session-ports.ts';
import { workerSupervision } from '../actors/worker-actor.ts';
import { LocalNode } from './cluster/local-node.ts';
import { isClustered, type Settings } from './config.ts';
import { MayflyError } from './domain/errors.ts';
import type { Gateway, SessionStanding } from './domain/gateway.ts';
import type { IdSource, SessionId } from './domain/ids.ts';
import type { Tenant } from './domain/tenant.ts';
import { RandomIds } from './embedded/random-ids.ts';
import { SystemClock } from './embedded/system-clock.ts';
import { openEmbeddedAdapters, type AdapterNeeds, type NodeAdapters } from './node-adapters.ts';
import { peerGateways, peersOf, type Peers } from './node-peers.ts';
import { createLog } from './observe/log.ts';
import type { Metrics } from './ports/metrics.ts';
import { createMetrics } from './observe/metrics.ts';
import type { MetricsRegistry } from './observe/metrics.ts';
import type { Clock } from './ports/clock.ts';
import type { Holder, KnownHolder } from './ports/lease-store.ts';
import type { Log } from './ports/log.ts';
import { WorkerTableEngine } from './worker/pool.ts';

/** A node that runs in this process, with what a server needs to put it on the network. */
export interface RunningNode {
  readonly gateway: Gateway;
  /** Who serves a session and until when, as far as this node knows without asking. */
  readonly standing: (tenant: Tenant, session: SessionId) => SessionStanding | undefined;
  readonly holder: Holder;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  readonly phase: NodePhase;
  readonly openSessions: number;
  /** Resolves when sessions may be opened. */
  readonly serving: Promise<void>;
  /** The nodes of the cluster as this one sees them, itself included. */
  nodes(): readonly Omit<KnownHolder, 'counter'>[];
  /** Others reach it there from now on. */
  announce(url: string): void;
  /** Where calls for other nodes' sessions go; absent on a node of its own. */
  readonly peers?: Peers;
  /** Lets sessions end for `drainMs`, closes the rest, stops; resolves when no process and no session file is left. */
  drain(drainMs?: number): Promise<void>;
  /** During a drain: closes at once what is still open. */
  hasten(): Promise<void>;
}

/** How long a claim on closing lasts, and how long work may go on under a close; in ms. */
const CLAIM_TTL_MS = 5_000;
const CLOSE_GRACE_MS = 200;

/**
 * Puts a node together: journal, leases and claims in one process, or those of a cluster; tables in worker processes.
 * @throws DataDirLocked while another process holds `settings.dataDir`
 */
export async function startNode(settings: Settings): Promise<RunningNode> {
  const clock = new SystemClock();
  const ids = new RandomIds();
  const metrics = createMetrics();
  const log = createLog(settings.logLevel);
  const needs = { clock, ids, log, metrics };
  const secret = settings.clusterSecret ?? '';
  const adapters = isClustered(settings) ? await openClustered(settings, needs) : await openEmbeddedAdapters(settings, needs);
  try {
    const engine = await startEngine(settings, adapters, needs);
    const node = new LocalNode({
      ports: portsOf(settings, adapters, engine, clock, log),
      ids,
      lifetime: settings,
      sessionsMax: settings.maxSessions,
      sessionsPerTenantMax: settings.maxSessionsPerTenant,
      heartbeatMs: settings.heartbeatMs,
      fenceMs: settings.fenceMs,
      claimMs: settings.claimMs,
      scanMs: settings.scanMs,
      drainMs: settings.drainMs,
      unreachableGraceMs: settings.unreachableGraceMs,
      metrics,
      isPredecessor: adapters.isPredecessor,
      onStop: () => adapters.close(),
      ...(adapters.links === undefined ? {} : { cluster: { ...adapters.links, peer: peerGateways(secret, clock) } }),
    });
    await adapters.listen?.((session) => node.revoked(session));
    return {
      gateway: node.router,
      standing: (tenant, session) => node.router.standing(tenant, session),
      holder: adapters.holder,
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
      nodes: () => nodesOf(node, adapters.holder),
      announce: (url) => node.announce(url),
      ...(adapters.links === undefined ? {} : { peers: peersOf(node, secret) }),
      drain: (drainMs) => node.drain(drainMs),
      hasten: () => node.hasten(),
    };
  } catch (error) {
    await adapters.close();
    throw error;
  }
}

/** Loaded only when asked for: an embedded node needs neither Redis nor NATS. */
async function openClustered(settings: Settings, needs: AdapterNeeds): Promise<NodeAdapters> {
  const { openClusterAdapters } = await import('./node-cluster-adapters.ts');
  return openClusterAdapters(settings, needs);
}

function startEngine(
  settings: Settings,
  { dataDir, holder, lifePort }: NodeAdapters,
  { clock, log, metrics }: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics },
): Promise<WorkerTableEngine> {
  return WorkerTableEngine.start({
    spillRoot: join(dataDir.spillRoot, holder.incarnation),
    maxWorkers: settings.maxWorkers,
    spareWorkers: settings.spareWorkers,
    sessionsPerWorkerMax: settings.sessionsPerWorker,
    memoryLimitBytes: settings.memoryLimitBytes,
    reuseSlots: settings.reuseSlots,
    supervise: workerSupervision(clock),
    clock,
    onSpawn: (pid) => dataDir.recordProcess(pid),
    onExit: (pid) => dataDir.forgetProcess(pid),
    onWorkers: (state, count) => metrics.workers(state, count),
    onLine: (pid, line) => log.warn({ worker_pid: pid }, line),
    ...(lifePort === undefined ? {} : { lifePort }),
  });
}

type NodePorts = Omit<SessionPorts, 'onEnded' | 'onAbandoned' | 'onDecided' | 'isFenced'>;

function portsOf(settings: Settings, adapters: NodeAdapters, engine: WorkerTableEngine, clock: Clock, log: Log): NodePorts {
  return {
    engine,
    leases: adapters.leases,
    claims: adapters.claims,
    log: adapters.log,
    clock,
    holder: adapters.holder,
    limits: {
      statementTimeoutMs: settings.statementTimeoutMs,
      queueMax: settings.maxQueue,
      claimTtlMs: CLAIM_TTL_MS,
      closeGraceMs: CLOSE_GRACE_MS,
    },
    onTrouble: (what, identity, error) => log.warn({ tenant_id: identity?.tenant, session_id: identity?.session, error: detailOf(error) }, what),
  };
}

/** This node as it stands now, the others as of the last look. */
function nodesOf(node: LocalNode, holder: Holder): readonly Omit<KnownHolder, 'counter'>[] {
  const others = node.membership.live().filter(({ isSelf }) => !isSelf);
  return [{ holder, notice: node.notice() }, ...others];
}

function detailOf(error: unknown): string {
  if (error instanceof MayflyError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
