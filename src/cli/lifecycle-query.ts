import { InvalidRequest } from '../domain/errors.ts';
import type { SessionId } from '../domain/ids.ts';
import { parseSessionId } from '../domain/ids.ts';

/** Which records a command is to read, as its flags say it. */
export interface RecordFlags {
  readonly from: string;
  readonly session?: string;
}

export interface RecordQuery {
  /** First offset, inclusive. */
  readonly from: number;
  readonly sessionId?: SessionId;
}

/** @throws InvalidRequest for an offset or a session id that can be none */
export function recordQueryOf({ from, session }: RecordFlags): RecordQuery {
  if (!/^\d{1,15}$/.test(from)) throw new InvalidRequest(`"${from}" is not an offset: give a whole number`, { field: 'from' });
  return { from: Number(from), ...(session === undefined ? {} : { sessionId: parseSessionId(session) }) };
}
