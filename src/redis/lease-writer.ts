import type { SessionId } from '../domain/ids.ts';
import type { LeaseContext } from '../ports/lease-store.ts';
import { HOLDERS, directoryKey, leasesKey, removedKey, revokedKey } from './keys.ts';
import type { Master } from './master.ts';
import type { Masters } from './masters.ts';
import type { OnRedisNotice } from './notice.ts';
import type { OwnLeases, Versioned } from './own-leases.ts';
import { SCRIPTS } from './script.ts';

/** Removed sessions a master remembers of one holder; random ones above that give way. */
const REMOVED_MAX = 10_000;
/** How long they are kept for a holder the master does not know, and nobody will forget; in seconds. */
const REMOVED_UNKNOWN_S = 86_400;
/** Changes that are told anew to one master after a beat. */
const REPAIRS_MAX = 1_000;
const FIRST: Versioned = { version: 0, context: undefined };

/** Writes changes of leases to every master, and again to those that missed them. */
export class LeaseWriter {
  readonly #masters: Masters;
  readonly #onNotice: OnRedisNotice;

  constructor(masters: Masters, onNotice: OnRedisNotice) {
    this.#masters = masters;
    this.#onNotice = onNotice;
  }

  /**
   * Brings a session on all masters to where `own` has it; without `own` (a holder of another process) it is removed.
   * Resolves when a majority took it. @throws Unavailable
   */
  async write(holder: string, session: SessionId, own: OwnLeases | undefined): Promise<void> {
    const wanted = own?.wanted(session) ?? FIRST;
    const told: Promise<void>[] = [];
    const majority = this.#masters.ask((master) => {
      const one = own === undefined ? this.#write(master, holder, session, wanted) : this.#tell(master, holder, session, wanted, own);
      told.push(one);
      return one;
    });
    if (own !== undefined && wanted.context === undefined) void Promise.allSettled(told).then(() => own.settleIfTaken(session));
    await majority;
  }

  /** Tells a master that answers what it missed; what cannot be told now waits for the next beat. Never throws. */
  async repair(master: Master, holder: string, own: OwnLeases): Promise<void> {
    const due = own.beginRepair(master, REPAIRS_MAX);
    if (due === undefined) return;
    let { lostTrack } = due;
    try {
      if (lostTrack) {
        const detail = `The Redis master ${master.name} missed more than can be told again: all it holds of this node is compared`;
        this.#onNotice({ kind: 'redis_behind', detail, fields: { master: master.name } });
        own.compared(master, (await master.ask(async (client) => client.hkeys(leasesKey(holder)))) as SessionId[]);
        lostTrack = false;
      }
      await Promise.all(
        due.sessions.map(async (session) => {
          const wanted = own.wanted(session);
          await this.#tell(master, holder, session, wanted, own);
          if (wanted.context === undefined) own.settleIfTaken(session);
        }),
      );
    } catch {
      // It is away again, and what it misses is remembered.
    } finally {
      own.endRepair(master, lostTrack);
    }
  }

  async #tell(master: Master, holder: string, session: SessionId, wanted: Versioned, own: OwnLeases): Promise<void> {
    try {
      await this.#write(master, holder, session, wanted);
    } catch (error) {
      own.missed(master, session, wanted.version);
      throw error;
    }
    own.took(master, session, wanted.version);
  }

  async #write(master: Master, holder: string, session: SessionId, { version, context }: Versioned): Promise<void> {
    if (context === undefined) await this.#remove(master, holder, session);
    else await this.#put(master, holder, session, version, context);
  }

  async #put(master: Master, holder: string, session: SessionId, version: number, context: LeaseContext): Promise<void> {
    const keys = [leasesKey(holder), removedKey(holder), directoryKey(session), HOLDERS];
    await master.run(SCRIPTS.put, keys, [holder, session, version, JSON.stringify(context)]);
  }

  async #remove(master: Master, holder: string, session: SessionId): Promise<void> {
    const keys = [leasesKey(holder), removedKey(holder), revokedKey(holder), directoryKey(session), HOLDERS];
    await master.run(SCRIPTS.remove, keys, [holder, session, REMOVED_MAX, REMOVED_UNKNOWN_S]);
  }
}
