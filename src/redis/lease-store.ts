import type { SessionId } from '../domain/ids.ts';
import type { HeartbeatAnswer, Holder, KnownHolder, Lease, LeaseStore, NodeNotice } from '../ports/lease-store.ts';
import {
  DIRECTORY_PREFIX,
  FORGOTTEN,
  FORGOTTEN_ORDER,
  HOLDERS,
  LEASES_PREFIX,
  SHARD_DIGITS,
  directoryKey,
  holderField,
  leasesKey,
  removedKey,
  revokedKey,
} from './keys.ts';
import { LeaseWriter } from './lease-writer.ts';
import type { Master } from './master.ts';
import type { Masters } from './masters.ts';
import type { OnRedisNotice } from './notice.ts';
import { OwnLeases } from './own-leases.ts';
import { counterOf, highest, holderReadingOf, knownHolderOf, mergeHolders, mergeLeases, type HolderReading } from './readings.ts';
import { SCRIPTS } from './script.ts';

/** Holders remembered as forgotten. A master that was away for longer shows them again; then they are ended again. */
const FORGOTTEN_MAX = 1_000;
/** Revocations of sessions that are over already, cleared at a beat. */
const STRAYS_MAX = 100;

/**
 * Leases over independent masters: a change counts once a majority has it, and every read asks a majority, so that it
 * meets the change. Nothing expires by Redis's clock, which may be wrong by an hour, and nothing stays for ever:
 *
 * - A lease goes with its removal. The removal is remembered until every master is known to have it (10,000 at most for
 *   each holder), so that one which was away does not bring the lease back; when it answers again, the holder tells it
 *   what it missed.
 * - A holder, with whatever is left of it, goes with `forget`; the last 1,000 are remembered as forgotten. Who meets one
 *   of them on a master that was away has it forgotten there too.
 */
export class RedisLeaseStore implements LeaseStore {
  readonly #masters: Masters;
  readonly #writer: LeaseWriter;
  /** By holder: what was put here. A node has one holder; others come and go with their leases. */
  readonly #own = new Map<string, OwnLeases>();

  constructor(masters: Masters, onNotice: OnRedisNotice) {
    this.#masters = masters;
    this.#writer = new LeaseWriter(masters, onNotice);
  }

  async heartbeat(holder: Holder, counter: number, notice?: NodeNotice): Promise<HeartbeatAnswer> {
    const field = holderField(holder);
    const own = this.#ownOf(field);
    const keys = [HOLDERS, revokedKey(field), removedKey(field)];
    const args = [field, counter, notice === undefined ? '' : JSON.stringify(notice), ...own.nextSettled()];
    const answers = await this.#masters.ask(async (master) => {
      const [began, previous, revoked] = (await master.run(SCRIPTS.heartbeat, keys, args)) as [number, number, SessionId[]];
      own.beaten(master, counter, began, previous);
      void this.#writer.repair(master, field, own);
      return revoked;
    });
    const revoked = [...new Set(answers.flatMap(({ value }) => value))];
    for (const stray of revoked.filter((session) => !own.isLive(session)).slice(0, STRAYS_MAX)) {
      this.remove(holder, stray).catch(() => undefined);
    }
    return { previousSeen: own.reportSeen(counter), revoked: revoked.filter((session) => own.isLive(session)) };
  }

  async put({ holder, session, context }: Lease): Promise<void> {
    const field = holderField(holder);
    const own = this.#ownOf(field);
    own.put(session, context);
    await this.#writer.write(field, session, own);
  }

  async remove(holder: Holder, session: SessionId): Promise<void> {
    const field = holderField(holder);
    const own = this.#own.get(field);
    own?.remove(session);
    await this.#writer.write(field, session, own);
  }

  async find(session: SessionId): Promise<Lease | undefined> {
    const answers = await this.#masters.ask(
      async (master) => (await master.run(SCRIPTS.find, [directoryKey(session)], [session, LEASES_PREFIX])) as [holder: string, lease: string] | [],
    );
    const holders = new Set(answers.flatMap(({ value: [holder] }) => (holder === undefined ? [] : [holder])));
    // What all agree on is so; else one of them missed a change, and the others know whether it was the removal.
    for (const holder of holders) {
      const isAgreed = answers.every(({ value }) => value[0] === holder);
      const readings = isAgreed ? answers.map(({ value }) => agreed(session, value[1] ?? '')) : await this.#read(holder, session);
      const [lease] = mergeLeases(holder, readings);
      if (lease !== undefined) return lease;
    }
    return undefined;
  }

  async holders(): Promise<readonly KnownHolder[]> {
    const answers = await this.#masters.ask(async (master) => master.ask(async (client) => client.hgetall(HOLDERS)));
    const merged = mergeHolders(answers.map(({ value }) => value));
    const suspects = [...merged.keys()].filter((holder) => answers.some(({ value }) => !Object.hasOwn(value, holder)));
    const forgotten = await this.#forgottenAmong(merged, suspects);
    for (const { master, value } of answers) {
      for (const [holder, counter] of forgotten) if (Object.hasOwn(value, holder)) void this.#forgetAt(master, holder, counter).catch(() => undefined);
    }
    return [...merged].flatMap(([holder, standing]) => (forgotten.has(holder) ? [] : [knownHolderOf(holder, standing)]));
  }

  async leases(holder: Holder): Promise<readonly Lease[]> {
    const field = holderField(holder);
    return mergeLeases(field, await this.#read(field));
  }

  async revoke(holder: Holder, session: SessionId): Promise<void> {
    const field = holderField(holder);
    await this.#masters.ask(async (master) => master.run(SCRIPTS.revoke, [revokedKey(field), removedKey(field), HOLDERS], [field, session]));
  }

  async forget(holder: Holder): Promise<boolean> {
    const field = holderField(holder);
    const readings = await this.#read(field);
    if (mergeLeases(field, readings).length > 0) return false;
    const counter = highest(readings.map((reading) => reading.counter));
    await this.#masters.ask(async (master) => this.#forgetAt(master, field, counter));
    this.#own.delete(field);
    return true;
  }

  async close(): Promise<void> {
    this.#masters.close();
    this.#own.clear();
  }

  async #read(holder: string, session: SessionId | '' = ''): Promise<readonly HolderReading[]> {
    const keys = [leasesKey(holder), removedKey(holder), HOLDERS, FORGOTTEN];
    const answers = await this.#masters.ask(async (master) => master.run(SCRIPTS.leases, keys, [holder, session]));
    return answers.map(({ value }) => holderReadingOf(value));
  }

  /** Those of the suspects that were forgotten and have not beaten since, with the counter they were forgotten at. */
  async #forgottenAmong(merged: ReadonlyMap<string, string>, suspects: readonly string[]): Promise<ReadonlyMap<string, number>> {
    if (suspects.length === 0) return new Map();
    const answers = await this.#masters.ask(async (master) => master.ask(async (client) => client.hmget(FORGOTTEN, ...suspects)));
    const forgotten = suspects.map((holder, at) => [holder, highest(answers.map(({ value }) => Number(value[at] ?? -1)))] as const);
    return new Map(forgotten.filter(([holder, counter]) => counter >= counterOf(merged.get(holder) ?? '')));
  }

  async #forgetAt(master: Master, holder: string, counter: number): Promise<void> {
    const keys = [leasesKey(holder), removedKey(holder), revokedKey(holder), HOLDERS, FORGOTTEN, FORGOTTEN_ORDER];
    await master.run(SCRIPTS.forget, keys, [holder, counter, DIRECTORY_PREFIX, SHARD_DIGITS, FORGOTTEN_MAX]);
  }

  #ownOf(holder: string): OwnLeases {
    const known = this.#own.get(holder);
    if (known !== undefined) return known;
    const own = new OwnLeases(this.#masters.all);
    this.#own.set(holder, own);
    return own;
  }
}

function agreed(session: SessionId, lease: string): HolderReading {
  return { leases: new Map([[session, lease]]), removed: [], counter: 0, forgottenAt: -1 };
}
