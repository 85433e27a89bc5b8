import type { SessionId } from '../domain/ids.ts';
import type { Holder } from '../ports/lease-store.ts';

/** Everything the program keeps in Redis begins with this. */
const PREFIX = 'mayfly:';
/** Hexadecimal digits of a session id that choose its shard of the directory: 4,096 shards. */
export const SHARD_DIGITS = 3;

/** Hash of all holders: holder → `<counter> <counter it began with there> <notice as JSON, or nothing>`. */
export const HOLDERS = `${PREFIX}holders`;
/** Hash of the holders forgotten last: holder → the counter it was forgotten at. */
export const FORGOTTEN = `${PREFIX}forgotten`;
/** The same holders as a list, the oldest first, so that the hash can be kept short. */
export const FORGOTTEN_ORDER = `${PREFIX}forgotten:order`;
/** What a script puts before a holder or a shard that it met in its own data. */
export const LEASES_PREFIX = `${PREFIX}leases:`;
export const DIRECTORY_PREFIX = `${PREFIX}directory:`;

/** A holder as it stands in keys and fields. */
export function holderField({ node, incarnation }: Holder): string {
  return `${node}/${incarnation}`;
}

export function holderOf(field: string): Holder {
  const at = field.lastIndexOf('/');
  return { node: field.slice(0, at), incarnation: field.slice(at + 1) };
}

/** Hash of a holder's sessions: session → `<version> <context as JSON>`. */
export function leasesKey(holder: string): string {
  return `${LEASES_PREFIX}${holder}`;
}

/** Set of sessions the holder let go of and some master may still hold. */
export function removedKey(holder: string): string {
  return `${PREFIX}removed:${holder}`;
}

/** Set of the holder's sessions for which others have a decision. */
export function revokedKey(holder: string): string {
  return `${PREFIX}revoked:${holder}`;
}

/** Hash of a shard of the directory: session → holder. Looking one up costs the same, however many there are. */
export function directoryKey(session: SessionId): string {
  return `${DIRECTORY_PREFIX}${session.slice(0, SHARD_DIGITS)}`;
}

export function claimKey(session: SessionId): string {
  return `${PREFIX}claim:${session}`;
}
