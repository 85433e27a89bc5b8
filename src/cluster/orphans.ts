import { SessionActor } from '../../actors/session-actor.ts';
import type { HolderReading, Watched } from '../../actors/scanner-actor.ts';
import type { SessionIdentity, SessionPorts } from '../../actors/session-ports.ts';
import type { TableLedger } from '../../machines/table-ledger.ts';
import type { SessionId } from '../domain/ids.ts';
import type { Erasure } from '../domain/lifecycle-record.ts';
import { isTerminal } from '../domain/lifecycle-record.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Holder, LeaseContext } from '../ports/lease-store.ts';
import type { LifeSign } from '../ports/life.ts';
import type { ChainEntry } from '../ports/lifecycle-log.ts';
import { holderKey, type Membership } from './membership.ts';
import { Pace } from './pace.ts';
import type { SessionDirectory } from './session-directory.ts';

export interface OrphansOptions {
  readonly ports: SessionPorts;
  readonly directory: SessionDirectory;
  readonly membership: Membership;
  /** Whether a holder and all its workers are dead (I4). */
  readonly lifeOf: (holder: Holder) => Promise<LifeSign>;
  /** Whether the holder answers in words: it is then alive, however still its counter stands. */
  readonly answers: (holder: Holder) => Promise<boolean>;
  /** Whether it ran on this node's own data directory: then it is dead for certain, and its spill was swept. */
  readonly isPredecessor: (holder: Holder) => boolean;
  /** How long a holder must have been out of reach before its sessions end without a proof, in ms; null: never. */
  readonly unreachableGraceMs: number | null;
}

interface Orphan extends SessionIdentity {
  readonly holder: Holder;
  readonly context: LeaseContext | undefined;
}

/** Sessions taken over at a time. */
const ADOPTIONS_MAX = 16;
const UNKNOWN_LEDGER: TableLedger = { tables: [], created: 0, droppedRows: 0, atLeast: false, unknown: true };

/** Ends the sessions of holders that are gone (I3). Sessions never migrate: they are only ended. */
export class Orphans {
  readonly #options: OrphansOptions;
  /** Sessions the log holds as open and nobody has a lease on, by holders that are unknown or gone; as of the last sweep. */
  #unheld = new Map<string, Orphan[]>();
  /** Holders that are gone: their counter, and since when it stands still on this node's monotonic clock. */
  readonly #still = new Map<string, Watched>();
  /** Holders that are gone and whose leases were read: they change no more, but for ends that come. */
  readonly #pace: Pace;

  constructor(options: OrphansOptions) {
    this.#options = options;
    this.#pace = new Pace(options.ports.clock);
  }

  /** What the scanner looks at: every known holder, and those that only the log knows, whose counter never moves. */
  async read(): Promise<readonly HolderReading[]> {
    const known = await this.#options.ports.leases.holders();
    this.#options.membership.note(known);
    const readings = known.map(({ holder, counter, notice }) => ({
      holder: { ...holder, ...(notice?.life === undefined ? {} : { life: notice.life }) },
      counter,
    }));
    for (const { holder, counter } of readings) {
      const key = holderKey(holder);
      if (this.#still.get(key)?.counter === counter) continue;
      this.#lose(key);
    }
    const shown = new Set(readings.map(({ holder }) => holderKey(holder)));
    const absent = [...this.#unheld].flatMap(([key, [first]]) => (first === undefined || shown.has(key) ? [] : [{ holder: first.holder, counter: 0 }]));
    return [...readings, ...absent].filter(({ holder }) => !this.#isSelf(holder));
  }

  /** Begins to end what gone holders left; a holder that answers in words is left alone. */
  async adopt(gone: readonly Watched[]): Promise<void> {
    await Promise.all(gone.map((watched) => this.#adoptFrom(watched)));
  }

  async #adoptFrom(watched: Watched): Promise<void> {
    const { holder } = watched;
    const key = holderKey(holder);
    this.#still.set(key, watched);
    await this.#wake(key);
    const unheld = (this.#unheld.get(key) ?? []).filter(({ session }) => !this.#options.directory.has(session));
    const isMine = this.#options.membership.looksAfter(key) && this.#pace.isDue(key);
    if ((unheld.length === 0 && !isMine) || (await this.#options.answers(holder))) return;
    await this.#adoptAll([...unheld, ...(isMine ? await this.#leasesOf(holder) : [])]);
    if (isMine) this.#pace.rest(key);
    await this.#forget(holder);
  }

  /** Those that wait for a proof hear at once that it is there: the holder and its workers are dead (I4). */
  async #wake(key: string): Promise<void> {
    const waiting = this.#options.directory.live().filter(({ actor }) => actor.state === 'partial_failure' && holderKey(actor.holder) === key);
    const [first] = waiting;
    if (first === undefined || (await this.#lifeOf(first.actor.holder)) !== 'released') return;
    for (const { actor } of waiting) actor.proven();
    this.#pace.forget(key);
  }

  /** Ends what predecessors on this data directory left; resolves when every terminal record stands. */
  async endPredecessors(): Promise<void> {
    for (const { holder } of await this.#options.ports.leases.holders()) {
      if (!this.#isPredecessor(holder)) continue;
      await endOf(await this.#adoptAll(await this.#leasesOf(holder)));
      await this.#forget(holder);
    }
  }

  /** Ends what the log holds as open by a holder that is dead; the others' are watched from here on. */
  async sweep(): Promise<readonly SessionActor[]> {
    const { ports } = this.#options;
    const known = new Set((await ports.leases.holders()).map(({ holder }) => holderKey(holder)));
    const dead: Orphan[] = [];
    const unheld = new Map<string, Orphan[]>();
    for await (const { tenant, session, openedBy: holder } of ports.log.unfinished()) {
      if (this.#isSelf(holder) || this.#options.directory.has(session)) continue;
      const key = holderKey(holder);
      const isDead = this.#isPredecessor(holder);
      // What a known holder has is watched by its counter: a sweep asks nothing for each session that lives.
      if (!isDead && known.has(key) && !this.#still.has(key)) continue;
      const orphan = { tenant, session, holder, context: (await ports.leases.find(session))?.context };
      if (isDead) dead.push(orphan);
      // One with a lease goes with the others of its holder.
      else if (!known.has(key) || orphan.context === undefined) unheld.set(key, [...(unheld.get(key) ?? []), orphan]);
    }
    this.#unheld = unheld;
    return this.#adoptAll(dead);
  }

  /** Begins every adoption, a few at a time; the actors tell of the ends. */
  async #adoptAll(orphans: readonly Orphan[]): Promise<readonly SessionActor[]> {
    const waiting = [...orphans];
    const begun: SessionActor[] = [];
    const next = async (): Promise<void> => {
      for (let orphan = waiting.shift(); orphan !== undefined; orphan = waiting.shift()) {
        const actor = await this.#adoptOne(orphan);
        if (actor !== undefined) begun.push(actor);
      }
    };
    await Promise.all(Array.from({ length: ADOPTIONS_MAX }, next));
    return begun;
  }

  async #adoptOne({ tenant, session, holder: shown, context }: Orphan): Promise<SessionActor | undefined> {
    const { ports, directory } = this.#options;
    if (directory.has(session)) return undefined;
    const chain = await ports.log.chain(tenant, session);
    // The life port that `opened` names: the lease store may have lost what the holder told of itself (I4).
    const life = chain[0]?.by.life ?? shown.life;
    const holder = life === undefined ? shown : { ...shown, life };
    const sign = await this.#lifeOf(holder);
    if (chain.length === 0 ? sign === 'released' || this.#isOutOfGrace(holder) : isOver(chain)) {
      await ports.leases.remove(holder, session);
      return undefined;
    }
    const [opened] = chain;
    // It may still be on its way from a holder that is only paused.
    if (opened === undefined || directory.has(session)) return undefined;
    const actor = SessionActor.adopt(
      ports,
      { tenant, session },
      {
        holder,
        openedAtMs: Date.parse(opened.record.occurred_at),
        reason: sign === 'released' ? 'process_exit' : 'lease_expired',
        ledger: context === undefined ? UNKNOWN_LEDGER : ledgerOf(context),
        spill: this.#spillOf(holder),
        prove: () => this.#prove(holder, tenant, session),
      },
    );
    directory.add({ tenant, session, labels: {}, actor });
    return actor;
  }

  async #prove(holder: Holder, tenant: Tenant, session: SessionId): Promise<'process_exit' | 'unreachable' | undefined> {
    if ((await this.#lifeOf(holder)) === 'released') return 'process_exit';
    return (await this.#isGivenUp(holder, tenant, session)) ? 'unreachable' : undefined;
  }

  /** Out of reach since the partial failure was recorded, for the whole grace, and never seen to move in it. */
  async #isGivenUp(holder: Holder, tenant: Tenant, session: SessionId): Promise<boolean> {
    const { ports, unreachableGraceMs } = this.#options;
    if (unreachableGraceMs === null || !this.#isOutOfGrace(holder)) return false;
    const chain = await ports.log.chain(tenant, session);
    const partial = chain.find(({ record }) => record.event === 'partial_deletion_failure');
    return partial !== undefined && ports.clock.wallMs() - Date.parse(partial.record.occurred_at) >= unreachableGraceMs;
  }

  #isOutOfGrace(holder: Holder): boolean {
    const { ports, unreachableGraceMs } = this.#options;
    const still = this.#still.get(holderKey(holder));
    return unreachableGraceMs !== null && still !== undefined && ports.clock.monotonicMs() - still.unmovedSinceMs >= unreachableGraceMs;
  }

  async #lifeOf(holder: Holder): Promise<LifeSign> {
    return this.#isPredecessor(holder) ? 'released' : this.#options.lifeOf(holder);
  }

  async #leasesOf(holder: Holder): Promise<Orphan[]> {
    const leases = await this.#options.ports.leases.leases(holder);
    return leases.map(({ session, context }) => ({ tenant: context.tenant, session, holder, context }));
  }

  /** False while some of its sessions are left; then it stays in sight, and is tried again. */
  async #forget(holder: Holder): Promise<void> {
    if (await this.#options.ports.leases.forget(holder)) this.#lose(holderKey(holder));
  }

  /** It moves again, or nothing of it is left. */
  #lose(key: string): void {
    this.#still.delete(key);
    this.#unheld.delete(key);
    this.#pace.forget(key);
  }

  #spillOf(holder: Holder): Erasure['spill'] {
    return this.#isPredecessor(holder) ? 'removed' : 'until_restart';
  }

  #isPredecessor(holder: Holder): boolean {
    return !this.#isSelf(holder) && this.#options.isPredecessor(holder);
  }

  #isSelf(holder: Holder): boolean {
    return holderKey(holder) === holderKey(this.#options.ports.holder);
  }
}

/** Resolves when the terminal record of each stands. */
export async function endOf(actors: readonly SessionActor[]): Promise<void> {
  await Promise.all(actors.map(({ ended }) => ended));
}

function isOver(chain: readonly ChainEntry[]): boolean {
  return chain.some(({ record }) => isTerminal(record));
}

function ledgerOf(context: LeaseContext): TableLedger {
  return { tables: context.tables, created: context.created, droppedRows: context.dropped_rows, atLeast: context.at_least };
}
