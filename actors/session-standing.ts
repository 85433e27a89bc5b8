import type { SnapshotFrom } from 'xstate';
import { NodeDraining, PartialDeletionFailure, SessionEnded, Unavailable, asMayflyError } from '../src/domain/errors.ts';
import type { MayflyError } from '../src/domain/errors.ts';
import type { SessionState } from '../src/domain/gateway.ts';
import type { LifecycleRecord } from '../src/domain/lifecycle-record.ts';
import type { sessionMachine } from '../machines/session-machine.ts';
import type { SessionIdentity } from './session-ports.ts';

/** The state callers see; a session that could not be opened never shows its own. */
export function stateOf(snapshot: SnapshotFrom<typeof sessionMachine>): SessionState {
  if (snapshot.matches('open')) return 'open';
  if (snapshot.matches('active')) return 'active';
  if (snapshot.matches('closing')) return snapshot.context.recordedSurvivors === null ? 'closing' : 'partial_failure';
  if (snapshot.matches('partialFailure')) return 'partial_failure';
  return snapshot.matches('closed') ? 'closed' : 'timed_out';
}

export function sessionEnded(record: LifecycleRecord): SessionEnded {
  return new SessionEnded(`The session has ended (${record.event}, ${record.details?.reason ?? 'no reason given'})`, { ended: record });
}

/** Why there is no session for the caller that asked for one. */
export function notOpened({ context: { error, intent } }: SnapshotFrom<typeof sessionMachine>, { session }: SessionIdentity): MayflyError {
  if (error !== null) return asMayflyError(error);
  if (intent === 'drain') return new NodeDraining('The node began to drain as the session opened; ask another one', { session_id: session });
  return new Unavailable('The session was ended as it opened; open another one', { session_id: session });
}

/** What keeps a session from its end at this moment, for those who wait for it; it goes on being retried. */
export function failureOf(snapshot: SnapshotFrom<typeof sessionMachine>, { session }: SessionIdentity): MayflyError | undefined {
  const { deletion, ledger, error: cause } = snapshot.context;
  if (snapshot.matches('abandoned') || snapshot.matches({ open: 'doubted' })) return asMayflyError(cause);
  if (snapshot.matches('partialFailure')) {
    const fields = { session_id: session, failed: deletion?.surviving.length ?? ledger.tables.length, total: ledger.tables.length };
    return new PartialDeletionFailure('Some tables could not be dropped yet; it is being retried, and close may be called again', fields, { cause });
  }
  if (snapshot.matches({ open: 'waitingForLog' }) || snapshot.matches({ closing: 'undecided' }) || snapshot.matches({ closing: 'unpublished' })) {
    const detail = 'The lifecycle log cannot be reached; the session is sealed and its end is being retried';
    return new Unavailable(detail, { session_id: session }, { cause });
  }
  return undefined;
}
