import { startLeaseActor } from '../../actors/lease-actor.ts';
import type { LeaseActor } from '../../actors/lease-actor.ts';
import { startNodeActor } from '../../actors/node-actor.ts';
import type { NodeActor, NodePhase } from '../../actors/node-actor.ts';
import { startScannerActor } from '../../actors/scanner-actor.ts';
import type { SessionActor } from '../../actors/session-actor.ts';
import type { SessionIdentity, SessionPorts } from '../../actors/session-ports.ts';
import type { IdSource, SessionId } from '../domain/ids.ts';
import type { LifecycleRecord } from '../domain/lifecycle-record.ts';
import type { Holder, NodeNotice } from '../ports/lease-store.ts';
import type { LifeSign } from '../ports/life.ts';
import type { Metrics } from '../ports/metrics.ts';
import { awaitSessions, closeSessions } from './drain.ts';
import { Fence } from './fence.ts';
import { Membership, type Member } from './membership.ts';
import { endOf, Orphans } from './orphans.ts';
import { Owners } from './owners.ts';
import { peerCalls, type PeerCalls } from './peer-calls.ts';
import { placeOf } from './placement.ts';
import { Router } from './router.ts';
import { SessionDirectory } from './session-directory.ts';
import type { LifetimeBounds } from './session-request.ts';

export interface LocalNodeOptions {
  readonly ports: Omit<SessionPorts, 'onEnded' | 'onAbandoned' | 'onDecided' | 'isFenced'>;
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
  readonly unreachableGraceMs: number | null;
  readonly metrics: Metrics;
  /** Whether it ran on this node's own data directory, and is dead for certain (I4). */
  readonly isPredecessor: (holder: Holder) => boolean;
  /** Lets go of adapters, after the last session and worker are gone. */
  readonly onStop: () => Promise<void>;
  /** Absent on a node of its own. */
  readonly cluster?: ClusterLinks;
}

/** What a node needs to be one of several. */
export interface ClusterLinks {
  /** The name of this node's own life port. */
  readonly life: string;
  readonly lifeOf: (holder: Holder) => Promise<LifeSign>;
  readonly answers: (holder: Holder) => Promise<boolean>;
  /** Tells a holder at once what its heartbeat will tell it for certain. */
  readonly hint: (holder: Holder, session: SessionId) => void;
  readonly reachesLog: () => boolean;
  /** Calls on a node, for what it holds itself. */
  readonly peer: (member: Member) => PeerCalls;
  /** In [0, 1). */
  readonly random: () => number;
}

const SCANS_PER_SWEEP = 30;
const SUSPECT_MS = 2_000;

/** One node: its sessions, its lease on them, its watch over others', and its run from start to drain. */
export class LocalNode {
  readonly router: Router;
  readonly membership: Membership;
  readonly owners: Owners;
  readonly #options: LocalNodeOptions;
  readonly #ports: SessionPorts;
  readonly #directory = new SessionDirectory();
  readonly #fence: Fence;
  readonly #orphans: Orphans;
  readonly #actor: NodeActor;
  #lease: LeaseActor | undefined;
  #stopScanner: (() => void) | undefined;
  #drainMs: number;
  #url = '';
  #markReachable = (): void => undefined;
  readonly #reachable = new Promise<void>((resolve) => (this.#markReachable = resolve));

  /** Begins to start; `serving` tells when it does. */
  constructor(options: LocalNodeOptions) {
    const { cluster, ports } = options;
    this.#options = options;
    this.#drainMs = options.drainMs;
    this.#fence = new Fence(ports.clock, () => this.#lease?.drifted());
    this.#ports = {
      ...ports,
      isFenced: cluster === undefined ? () => false : this.#fence.isPassed,
      onEnded: (identity, record) => this.#noteEnd(identity, record),
      onAbandoned: ({ session }) => this.#directory.forget(session),
      onDecided: (holder, { session }) => this.#revokeElsewhere(holder, session),
    };
    this.membership = new Membership({ clock: ports.clock, self: ports.holder, silenceMs: options.fenceMs + options.scanMs });
    this.owners = new Owners({ ...ports, self: ports.holder, directory: this.#directory, membership: this.membership, look: () => this.#look() });
    this.#orphans = new Orphans({
      ports: this.#ports,
      directory: this.#directory,
      membership: this.membership,
      lifeOf: cluster?.lifeOf ?? (() => Promise.resolve('released')),
      answers: cluster?.answers ?? (() => Promise.resolve(false)),
      isPredecessor: options.isPredecessor,
      unreachableGraceMs: options.unreachableGraceMs,
    });
    this.router = new Router({
      ...options,
      ports: this.#ports,
      directory: this.#directory,
      peers: async () => (cluster === undefined ? [] : (await this.#others()).map((member) => this.#callsOn(member, cluster.peer(member)))),
      // Silent for longer than this, it was given up: its sessions are being ended, and do not live on.
      missing: () => (cluster === undefined ? [] : this.membership.missing(options.claimMs + options.fenceMs)),
      // Without a log nothing can be opened: an attempt would only hold a slot until it is back.
      intake: () => (this.phase !== 'serving' ? this.phase : cluster?.reachesLog() === false ? 'cut off from the lifecycle log' : undefined),
    });
    this.#actor = startNodeActor(ports.clock, {
      start: () => this.#start(),
      recover: () => this.#recover(),
      awaitSessions: () => awaitSessions(this.#directory, ports.clock, this.#drainMs),
      closeSessions: () => closeSessions(this.#directory, this.#ports),
      stop: () => this.#stop(),
    });
    // The others place sessions here from now on. That it did not start is told by `serving`.
    this.#actor.serving.then(
      () => this.#lease?.changed(),
      () => undefined,
    );
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

  /** Others reach this node there. One of a cluster begins its lease no earlier: whoever finds it finds the way there, too. */
  announce(url: string): void {
    this.#url = url;
    this.#markReachable();
  }

  /** Where a new session belongs; undefined: here. */
  placeOf(key?: string): Member | undefined {
    const { cluster } = this.#options;
    const member = cluster === undefined || this.phase !== 'serving' ? undefined : placeOf(this.membership, cluster.random, key);
    return member?.isSelf === true ? undefined : member;
  }

  /** It could not be reached a moment ago: new sessions go elsewhere for a while. */
  suspect(member: Pick<Member, 'holder'>): void {
    this.membership.suspect(member, SUSPECT_MS);
  }

  /** Stops intake, lets sessions end by themselves for `drainMs`, closes the rest, and stops. */
  drain(drainMs?: number): Promise<void> {
    if (drainMs !== undefined) this.#drainMs = drainMs;
    // Perhaps it never will be: it must be able to end all the same.
    this.#markReachable();
    const drained = this.#actor.drain();
    this.#lease?.changed();
    return drained;
  }

  /** During a drain: closes at once what is still open. */
  hasten(): Promise<void> {
    return this.#actor.drain({ hasten: true });
  }

  notice(): NodeNotice {
    const { cluster, sessionsMax, ports } = this.#options;
    const { phase } = this;
    return {
      url: this.#url,
      state: phase === 'stopped' ? 'draining' : phase,
      sessions: this.#directory.liveCount,
      sessionsMax,
      reachesLog: cluster?.reachesLog() ?? true,
      at: ports.clock.wallMs(),
      ...(cluster === undefined ? {} : { life: cluster.life }),
    };
  }

  async #start(): Promise<void> {
    const { ports, cluster, heartbeatMs, fenceMs, claimMs, scanMs } = this.#options;
    const { leases, clock, holder } = ports;
    if (cluster !== undefined) await this.#reachable;
    this.#lease = startLeaseActor(
      {
        leases,
        clock,
        holder,
        notice: () => (this.#url === '' && cluster !== undefined ? undefined : this.notice()),
        ...(cluster === undefined ? {} : { random: cluster.random }),
      },
      { heartbeatMs, fenceMs, claimMs },
      {
        onHeld: (window) => {
          this.#fence.extend(window);
          if (cluster !== undefined) ports.engine.serveWithin(window);
        },
        // A node of its own serves for ever: nobody else decides for its sessions.
        onFenced: () => {
          if (cluster === undefined) return;
          this.#actor.fence();
          for (const actor of this.#actors()) actor.fence();
        },
        onRestored: () => {
          if (cluster === undefined) return;
          this.#actor.restore();
          for (const actor of this.#actors()) actor.restore();
        },
        onForgotten: () => {
          this.membership.expectGaps();
          void this.#writeBack();
        },
        onRevoked: (sessions) => this.#revoke(sessions),
      },
    );
    await this.#lease.held;
    await this.#look();
    const onTrouble = (what: string, error: unknown): void => ports.onTrouble(what, undefined, error);
    this.#stopScanner = startScannerActor(
      clock,
      { scanMs, claimMs, scansPerSweep: SCANS_PER_SWEEP },
      {
        read: () => this.#orphans.read(),
        adopt: (gone) => this.#orphans.adopt(gone),
        sweep: async () => {
          if (cluster === undefined || this.membership.looksAfter('sweep')) await this.#orphans.sweep();
        },
        onTrouble,
      },
      cluster?.random,
    );
  }

  /** I3: what predecessors left open gets its end first. The log is asked as well where it is this node's own. */
  async #recover(): Promise<void> {
    await this.#orphans.endPredecessors();
    if (this.#options.cluster === undefined) await endOf(await this.#orphans.sweep());
  }

  #actors(): SessionActor[] {
    return this.#directory.live().map(({ actor }) => actor);
  }

  /** Ahead of the scanner's next look: who joined since the last. */
  async #look(): Promise<void> {
    this.membership.note(await this.#options.ports.leases.holders());
  }

  /** One that joined just now included: a list without its sessions would look whole (I8). */
  async #others(): Promise<readonly Member[]> {
    await this.#look().catch((error: unknown) => this.#options.ports.onTrouble('the nodes could not be looked at anew', undefined, error));
    return this.membership.live().filter(({ isSelf }) => !isSelf);
  }

  #callsOn({ holder }: Member, peer: PeerCalls): PeerCalls {
    return peerCalls(peer, () => this.membership.memberOf(holder) !== undefined, this.#ports.clock);
  }

  async #writeBack(): Promise<void> {
    const writeOne = async (actor: SessionActor): Promise<void> => {
      await actor.writeBack().catch((error: unknown) => this.#ports.onTrouble('a lease could not be written back', actor.identity, error));
    };
    await Promise.all(this.#actors().map(writeOne));
  }

  #revoke(sessions: readonly SessionId[]): void {
    for (const known of this.#directory.live()) if (sessions.includes(known.session)) known.actor.revoke();
  }

  /** One session's decision was made elsewhere: what its heartbeat would tell, ahead of it. */
  revoked(session: SessionId): void {
    this.#revoke([session]);
  }

  #revokeElsewhere(holder: Holder, session: SessionId): void {
    const { cluster, ports } = this.#options;
    cluster?.hint(holder, session);
    ports.leases.revoke(holder, session).catch((error: unknown) => ports.onTrouble('a decision could not be told to its holder', undefined, error));
  }

  #noteEnd({ session }: SessionIdentity, record: LifecycleRecord): void {
    this.#directory.markEnded(session, record);
    this.#options.metrics.sessionEnded(record.event, record.details?.reason ?? 'close');
    this.#options.metrics.openSessions(this.#directory.liveCount);
  }

  async #stop(): Promise<void> {
    const { ports, onStop } = this.#options;
    this.#stopScanner?.();
    this.#lease?.release();
    // With sessions left it stays in sight, for others to end them; Redis out of reach leaves it there as well.
    await ports.leases.forget(ports.holder).catch((error: unknown) => ports.onTrouble('this node could not take itself off the list', undefined, error));
    try {
      await ports.engine.close();
    } finally {
      await onStop();
    }
  }
}
