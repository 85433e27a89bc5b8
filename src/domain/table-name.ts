import { InvalidName, NameTooLong } from './errors.ts';
import type { SessionId } from './ids.ts';

/** Longest logical table name, in characters. */
export const MAX_LOGICAL_NAME_LENGTH = 24;

/** A table's name inside its session. */
export type LogicalName = string & { readonly brand: 'LogicalName' };
/** `__eph_<32 hex of the session id>_<logical name>`: unique over all sessions. */
export type PhysicalId = string & { readonly brand: 'PhysicalId' };

const LOGICAL_NAME = /^[a-z0-9_]+$/;

/**
 * @throws NameTooLong above 24 characters
 * @throws InvalidName when empty, with other characters than `[a-z0-9_]`, or `table` (which `{table}` means)
 */
export function parseLogicalName(name: string): LogicalName {
  if (typeof name === 'string' && name.length > MAX_LOGICAL_NAME_LENGTH) {
    throw new NameTooLong(`A table name has at most ${MAX_LOGICAL_NAME_LENGTH} characters; this one has ${name.length}`, {
      name,
      max: MAX_LOGICAL_NAME_LENGTH,
    });
  }
  if (typeof name !== 'string' || !LOGICAL_NAME.test(name) || name === 'table') {
    throw new InvalidName('A table name is made of a-z, 0-9 and "_", and is not "table"', { name, max: MAX_LOGICAL_NAME_LENGTH });
  }
  return name as LogicalName;
}

export function physicalId(session: SessionId, name: LogicalName): PhysicalId {
  return `__eph_${session.replaceAll('-', '')}_${name}` as PhysicalId;
}

/** How SQL of the same session may name the table besides its logical name. */
export function tableRef(session: SessionId, name: LogicalName): string {
  return `mutable.public."${physicalId(session, name)}"`;
}
