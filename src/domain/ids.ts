import { InvalidRequest } from './errors.ts';

/** A session's id: a UUID, version 4, lower case. */
export type SessionId = string & { readonly brand: 'SessionId' };

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** The id in its one canonical form, or undefined when it can be no session's id. */
export function asSessionId(text: string): SessionId | undefined {
  const lower = text.toLowerCase();
  return UUID_V4.test(lower) ? (lower as SessionId) : undefined;
}

/** @throws InvalidRequest when `text` is not a UUID, version 4 */
export function parseSessionId(text: string): SessionId {
  const id = asSessionId(text);
  if (id === undefined) throw new InvalidRequest(`"${text}" is not a session id (a UUID, version 4)`, { field: 'session_id' });
  return id;
}

/** Where randomness comes from; injected, so that tests and simulations can repeat a run. */
export interface IdSource {
  sessionId(): SessionId;
  /** A fresh id for one run of a node. */
  incarnation(): string;
  /** Identifies one error instance in the log. */
  instance(): string;
}
