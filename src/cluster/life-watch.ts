import type { Clock } from '../ports/clock.ts';
import type { Holder } from '../ports/lease-store.ts';
import type { LifeSign, ProbeLife } from '../ports/life.ts';
import { holderKey } from './membership.ts';

/** A sign of life is as good as new for so long: many sessions of one holder ask at once. */
const FRESH_MS = 250;
const REMEMBERED_MAX = 1_000;

interface Look {
  readonly atMs: number;
  readonly sign: Promise<LifeSign>;
}

/** Whether holders and their workers are dead (I4), looked at once for all who ask. Death is for good; life is not. */
export class LifeWatch {
  readonly #clock: Clock;
  readonly #probe: ProbeLife;
  readonly #looks = new Map<string, Look>();
  readonly #dead = new Set<string>();

  constructor(clock: Clock, probe: ProbeLife) {
    this.#clock = clock;
    this.#probe = probe;
  }

  async of(holder: Holder): Promise<LifeSign> {
    const key = holderKey(holder);
    if (this.#dead.has(key)) return 'released';
    if (holder.life === undefined) return 'unknown';
    const sign = await this.#look(key, holder.life);
    if (sign === 'released') this.#bury(key);
    return sign;
  }

  #look(key: string, life: string): Promise<LifeSign> {
    const nowMs = this.#clock.monotonicMs();
    const last = this.#looks.get(key);
    if (last !== undefined && nowMs - last.atMs < FRESH_MS) return last.sign;
    if (this.#looks.size >= REMEMBERED_MAX) this.#looks.clear();
    const sign = this.#probe(life);
    this.#looks.set(key, { atMs: nowMs, sign });
    return sign;
  }

  #bury(key: string): void {
    this.#looks.delete(key);
    if (this.#dead.size >= REMEMBERED_MAX) this.#dead.clear();
    this.#dead.add(key);
  }
}
