import { startLeaseActor } from '../../actors/lease-actor.ts';
import type { LeaseActor } from '../../actors/lease-actor.ts';
import { startNodeActor } from '../../actors/node-actor.ts';
import type { NodeActor, NodePhase } from '../../actors/node-actor.ts';
import { startScannerActor } from '../../actors/scanner-actor.ts';
import { SessionActor } from '../../actors/session-actor.ts';
import type { SessionIdentity, SessionPorts } from '../../actors/session-ports.ts';
import type { TableLedger } from '../../machines/table-ledger.ts';
import type { IdSource, SessionId } from '../domain/ids.ts';
import type { LifecycleRecord } from '../domain/lifecycle-record.ts';
import type { Holder, LeaseContext } from '../ports/lease-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import { Router } from './router.ts';
import { SessionDirectory } from './session-directory.ts';
import type { LifetimeBounds } from './session-request.ts';

export interface LocalNodeOptions {
  readonly ports: Omit<SessionPorts, 'onEnded'>;
  readonly ids: IdSource;
  readonly lifetime: LifetimeBounds;
  readonly sessionsMax: number;
  readonly sessionsPerTenantMax: number | null;
  readonly heartbeatMs: number;
  readonly fenceMs: number;
  readonly claimMs: number;
  readonly scanMs: number;
  /** How long sessions may go on once the node drains, in ms. */
  readonly drainMs: number;
  readonly metrics: Metrics;
  /** Whether a holder and all its workers are dead for certain (I4): then its sessions may be adopted. */
  readonly isDead: (holder: Holder) => boolean;
  /** Lets go of adapters, after the last session and worker are gone. */
  readonly onStop: () => Promise<void>;
}

const SCANS_PER_SWEEP = 30;
/** A drain closes twice over: what was open, then what was still opening meanwhile. */
const DRAIN_PASSES = 2;
const UNKNOWN_LEDGER: TableLedger = { tables: [], created: 0, droppedRows: 0, atLeast: false, unknown: true };

/** One node: its sessions, its lease on them, its watch over others', and its run from start to drain. */
export class LocalNode {
  readonly router: Router;
  readonly #options: LocalNodeOptions;
  readonly #ports: SessionPorts;
  readonly #directory = new SessionDirectory();
  readonly #actor: NodeActor;
  #lease: LeaseActor | undefined;
  #stopScanner: (() => void) | undefined;
  #drainMs: number;

  /** Begins to start; `serving` tells when it does. */
  constructor(options: LocalNodeOptions) {
    this.#options = options;
    this.#drainMs = options.drainMs;
    this.#ports = { ...options.ports, onEnded: (identity, record) => this.#noteEnd(identity, record) };
    this.router = new Router({
      ports: this.#ports,
      directory: this.#directory,
      ids: options.ids,
      lifetime: options.lifetime,
      sessionsMax: options.sessionsMax,
      sessionsPerTenantMax: options.sessionsPerTenantMax,
      metrics: options.metrics,
      intake: () => (this.phase === 'serving' ? undefined : this.phase),
    });
    this.#actor = startNodeActor(options.ports.clock, {
      start: () => this.#start(),
      recover: () => this.#endOrphans(),
      awaitSessions: () => this.#awaitSessions(),
      closeSessions: () => this.#closeSessions(),
      stop: () => this.#stop(),
    });
  }

  get phase(): NodePhase {
    return this.#actor.phase;
  }

  /** Resolves when every session of a predecessor has its record and new ones may be opened. */
  get serving(): Promise<void> {
    return this.#actor.serving;
  }

  get openSessions(): number {
    return this.#directory.liveCount;
  }

  /** Stops intake, lets sessions end by themselves for `drainMs`, closes the rest, and stops. */
  drain(drainMs?: number): Promise<void> {
    if (drainMs !== undefined) this.#drainMs = drainMs;
    return this.#actor.drain();
  }

  /** During a drain: closes at once what is still open. */
  hasten(): Promise<void> {
    return this.#actor.drain({ hasten: true });
  }

  async #start(): Promise<void> {
    const { ports, heartbeatMs, fenceMs, claimMs, scanMs } = this.#options;
    const actors = (): SessionActor[] => this.#directory.live().map(({ actor }) => actor);
    this.#lease = startLeaseActor(
      ports.leases,
      ports.clock,
      ports.holder,
      { heartbeatMs, fenceMs, claimMs },
      {
        onFenced: () => {
          this.#actor.fence();
          for (const actor of actors()) actor.fence();
        },
        onRestored: () => {
          this.#actor.restore();
          for (const actor of actors()) actor.restore();
        },
        onForgotten: () => void this.#writeBack(actors()),
        onRevoked: (sessions) => this.#revoke(sessions),
      },
    );
    await this.#lease.held;
    this.#stopScanner = startScannerActor(
      ports.leases,
      ports.clock,
      { scanMs, claimMs, scansPerSweep: SCANS_PER_SWEEP },
      { adopt: (gone) => this.#adopt(gone), sweep: () => this.#endOrphans() },
    );
  }

  /** I3: whatever the log holds as opened, by a holder that is dead, gets its end. */
  async #endOrphans(): Promise<void> {
    const { ports, isDead } = this.#options;
    const ending: Promise<unknown>[] = [];
    for await (const { tenant, session, openedBy } of ports.log.unfinished()) {
      if (!isDead(openedBy) || this.#directory.has(session)) continue;
      const lease = await ports.leases.find(session);
      const ledger = lease === undefined ? UNKNOWN_LEDGER : ledgerOf(lease.context);
      const actor = SessionActor.adopt(this.#ports, { tenant, session }, 'process_exit', ledger);
      this.#directory.add({ tenant, session, labels: {}, actor });
      ending.push(actor.ended.then(() => (lease === undefined ? undefined : ports.leases.remove(lease.holder, session))));
    }
    await Promise.all(ending);
    await this.#forgetTheDead();
  }

  async #adopt(gone: readonly Holder[]): Promise<void> {
    if (gone.some((holder) => this.#options.isDead(holder))) await this.#endOrphans();
  }

  /** Leases of sessions that were never opened in the log are owed nothing. */
  async #forgetTheDead(): Promise<void> {
    const { ports, isDead } = this.#options;
    for (const { holder } of await ports.leases.holders()) {
      if (!isDead(holder)) continue;
      for (const { session } of await ports.leases.leases(holder)) await ports.leases.remove(holder, session);
      await ports.leases.forget(holder);
    }
  }

  async #writeBack(actors: readonly SessionActor[]): Promise<void> {
    for (const actor of actors) {
      await actor.writeBack().catch((error: unknown) => this.#ports.onTrouble('a lease could not be written back', actor.identity, error));
    }
  }

  #revoke(sessions: readonly SessionId[]): void {
    for (const known of this.#directory.live()) if (sessions.includes(known.session)) known.actor.revoke();
  }

  #noteEnd({ session }: SessionIdentity, record: LifecycleRecord): void {
    this.#directory.markEnded(session, record);
    this.#options.metrics.sessionEnded(record.event, record.details?.reason ?? 'close');
    this.#options.metrics.openSessions(this.#directory.liveCount);
  }

  async #awaitSessions(): Promise<void> {
    const { clock } = this.#options.ports;
    let timer: unknown;
    const tooLong = new Promise<void>((resolve) => {
      timer = clock.setTimeout(resolve, this.#drainMs);
    });
    await Promise.race([this.#directory.empty(), tooLong]);
    clock.clearTimeout(timer);
  }

  async #closeSessions(): Promise<void> {
    for (let pass = 0; pass < DRAIN_PASSES; pass += 1) {
      await Promise.all(
        this.#directory
          .live()
          .map(({ actor }) =>
            actor.close('drain').catch((error: unknown) => this.#ports.onTrouble('left open by the drain; the next start ends it', actor.identity, error)),
          ),
      );
    }
  }

  async #stop(): Promise<void> {
    this.#stopScanner?.();
    this.#lease?.release();
    try {
      await this.#options.ports.engine.close();
    } finally {
      await this.#options.onStop();
    }
  }
}

function ledgerOf(context: LeaseContext): TableLedger {
  return { tables: context.tables, created: context.created, droppedRows: context.dropped_rows, atLeast: context.at_least };
}
