import type { SessionId } from '../domain/ids.ts';
import type { KnownHolder, Lease, LeaseContext, NodeNotice } from '../ports/lease-store.ts';
import { holderOf } from './keys.ts';

/** What one master answered to `leases`. */
export interface HolderReading {
  /** Session → stored lease. */
  readonly leases: ReadonlyMap<SessionId, string>;
  readonly removed: readonly SessionId[];
  readonly counter: number;
  /** The counter at which the holder was forgotten; -1 when it was not. */
  readonly forgottenAt: number;
}

export function holderReadingOf(answer: unknown): HolderReading {
  const [leases, removed, standing, forgottenAt] = answer as [string[], SessionId[], string | null, string | null];
  return {
    leases: new Map(pairsOf(leases)),
    removed,
    counter: standing === null ? 0 : counterOf(standing),
    forgottenAt: forgottenAt === null ? -1 : Number(forgottenAt),
  };
}

/**
 * A holder's leases as a majority of masters tells: the highest version of each, without those that any master knows to
 * be removed. One that missed a removal, or that the holder was forgotten, is outvoted by whoever knows better.
 */
export function mergeLeases(holder: string, readings: readonly HolderReading[]): readonly Lease[] {
  if (isForgotten(readings)) return [];
  const removed = new Set(readings.flatMap((reading) => reading.removed));
  const latest = new Map<SessionId, string>();
  for (const [session, stored] of readings.flatMap(({ leases }) => [...leases])) {
    const known = latest.get(session);
    if (!removed.has(session) && (known === undefined || leadingNumber(stored) > leadingNumber(known))) latest.set(session, stored);
  }
  return [...latest].map(([session, stored]) => ({ holder: holderOf(holder), session, context: JSON.parse(afterNumber(stored)) as LeaseContext }));
}

/** A beat after it was forgotten has a higher counter: then the holder is there again. */
function isForgotten(readings: readonly HolderReading[]): boolean {
  const forgottenAt = highest(readings.map((reading) => reading.forgottenAt));
  return forgottenAt >= 0 && forgottenAt >= highest(readings.map(({ counter }) => counter));
}

/** Of several masters' hashes of holders: each holder as its highest counter tells. */
export function mergeHolders(readings: readonly Readonly<Record<string, string>>[]): ReadonlyMap<string, string> {
  const latest = new Map<string, string>();
  for (const [holder, standing] of readings.flatMap((reading) => Object.entries(reading))) {
    const known = latest.get(holder);
    if (known === undefined || counterOf(standing) > counterOf(known)) latest.set(holder, standing);
  }
  return latest;
}

export function knownHolderOf(holder: string, standing: string): KnownHolder {
  const told = afterNumber(afterNumber(standing));
  const notice = told === '' ? undefined : (JSON.parse(told) as NodeNotice);
  return { holder: holderOf(holder), counter: counterOf(standing), ...(notice === undefined ? {} : { notice }) };
}

/** Of a stored holder: `<counter> <began> <notice>`. */
export function counterOf(standing: string): number {
  return leadingNumber(standing);
}

export function highest(numbers: readonly number[]): number {
  return Math.max(...numbers);
}

function leadingNumber(stored: string): number {
  return Number(stored.slice(0, stored.indexOf(' ')));
}

function afterNumber(stored: string): string {
  return stored.slice(stored.indexOf(' ') + 1);
}

function pairsOf(flat: readonly string[]): readonly (readonly [SessionId, string])[] {
  return flat.flatMap((session, at) => (at % 2 === 0 ? [[session as SessionId, flat[at + 1] ?? ''] as const] : []));
}
