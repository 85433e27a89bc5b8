import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SnapshotFrom } from 'xstate';
import { sessionMachine } from '../../machines/session-machine.ts';
import type { Deletion } from '../../machines/session-deletion.ts';
import type { SessionContext, SessionInput } from '../../machines/session-context.ts';
import type { EndReason } from '../../src/domain/lifecycle-record.ts';
import { explore, unreached, walk } from './walk.ts';
import type { Outcomes } from './walk.ts';

const standing = (reason: EndReason, event: 'closed' | 'timed_out') => ({
  decision: { reason, event, by: 'n', tenant: 't', session: 's' },
  token: 7,
  won: true,
});
const whole: Deletion = { proof: 'dropped', counted: 'exact', deletedRows: 3, surviving: [], complete: true };
const partial: Deletion = { ...whole, proof: 'unreachable', surviving: ['b' as never], complete: false };
const record = (event: string) => ({ event, session_id: 's', tenant_id: 't' });

const OUTCOMES: Outcomes = {
  takeSlot: [{ output: undefined }, undefined],
  registerLease: [{ output: undefined }, undefined],
  recordOpened: [{ output: { remainingMs: 1_000 } }, undefined],
  readOpened: [{ output: true }, { output: false }, undefined],
  releaseSlot: [{ output: undefined }, undefined],
  readDecision: [{ output: null }, { output: standing('lease_expired', 'timed_out') }, undefined],
  claim: [{ output: true }, { output: false }, undefined],
  decide: [{ output: standing('close', 'closed') }, { output: standing('deadline', 'timed_out') }, undefined],
  drainWork: [{ output: undefined }, undefined],
  deleteTables: [{ output: whole }, { output: partial }, undefined],
  publish: [{ output: record('closed') }, { output: record('timed_out') }, { output: record('partial_deletion_failure') }, undefined],
};

const OUTSIDE = [
  { type: 'WORK_BEGAN' },
  { type: 'WORK_ENDED' },
  { type: 'TOUCHED' },
  { type: 'EXTENDED', remainingMs: 5_000, idleTimeoutMs: 100 },
  { type: 'TABLE_NOTED', count: { name: 'a', rows: 3 } },
  { type: 'TABLE_DROPPED', count: { name: 'a', rows: 3 } },
  { type: 'NOTE_FAILED' },
  { type: 'CLOSE', reason: 'close' },
  { type: 'WORKER_LOST' },
  { type: 'REVOKED' },
  { type: 'FENCED' },
  { type: 'LEASE_RESTORED' },
];

const OPENED: SessionInput = { remainingMs: 1_000, idleTimeoutMs: 100 };
const ADOPTED: SessionInput = {
  remainingMs: null,
  idleTimeoutMs: null,
  adopted: { reason: 'process_exit', ledger: { tables: [], created: 0, droppedRows: 0, atLeast: false } },
};

function walks(check: Parameters<typeof walk>[6]): void {
  fc.assert(
    fc.property(fc.boolean(), fc.array(fc.nat(), { minLength: 60, maxLength: 60 }), (adopted, choices) => {
      let at = 0;
      const pick = (count: number): number => (choices[at++ % choices.length] ?? 0) % count;
      walk(sessionMachine, adopted ? ADOPTED : OPENED, 60, pick, OUTSIDE, OUTCOMES, check);
    }),
    { numRuns: 500 },
  );
}

describe('the session machine, in any order of events', () => {
  it('reaches every state and every transition', () => {
    const keyOf = (snapshot: SnapshotFrom<typeof sessionMachine>) => {
      const { context } = snapshot;
      const { adopted, intent, failures, leaseAtOpen, deletion, recordedSurvivors } = context;
      // A doubt is over after so many looks; elsewhere failures only make the next wait longer.
      const counted = Math.min(failures, snapshot.matches({ open: 'doubted' }) ? 20 : 3);
      return [adopted, intent !== null, counted, leaseAtOpen, deletion?.complete, recordedSurvivors];
    };
    const coverage = explore(sessionMachine, [OPENED, ADOPTED], OUTSIDE, OUTCOMES, keyOf as never);
    expect(unreached(sessionMachine, coverage)).toEqual([]);
  });

  it('I2: drops and ends only after a decision, and never without one', () => {
    walks((snapshot) => {
      const context = snapshot.context as SessionContext;
      const mustBeDecided = ['draining', 'deleting', 'deleted', 'publishing', 'unpublished'].some((closing) => snapshot.matches({ closing }));
      if (mustBeDecided || snapshot.matches('closed') || snapshot.matches('timedOut') || snapshot.matches('partialFailure')) {
        expect(context.decision).not.toBeNull();
      }
    });
  });

  it('I1: nothing moves after the end, and an end bears its record', () => {
    walks((snapshot) => {
      if (!snapshot.matches('closed') && !snapshot.matches('timedOut')) return;
      expect(snapshot.status).toBe('done');
      expect((snapshot.context as SessionContext).record?.event).toBe(snapshot.matches('closed') ? 'closed' : 'timed_out');
    });
  });

  it('I3: once opened, no way leads out but a terminal record', () => {
    walks((snapshot, before) => {
      const wasOwed = before !== undefined && !before.matches('open');
      if (wasOwed) expect(snapshot.matches('abandoned') || snapshot.matches('open')).toBe(false);
    });
  });

  it('I5: a session that was fenced, be it as it opened, asks the log before it serves', () => {
    walks((snapshot, before) => {
      if (before === undefined || !snapshot.matches({ active: { service: 'serving' } }) || before.matches({ active: { service: 'serving' } })) return;
      const leaseAtOpen = (before.context as SessionContext).leaseAtOpen;
      expect(before.matches({ active: { service: 'confirming' } }) || (before.matches('open') && leaseAtOpen === 'held')).toBe(true);
    });
  });

  it('I5: a session that began to close never serves again', () => {
    walks((snapshot, before) => {
      if (before?.matches('closing') === true || before?.matches('partialFailure') === true) expect(snapshot.matches('active')).toBe(false);
    });
  });

  it('keeps the first reason: a deadline that comes during a close changes nothing', () => {
    walks((snapshot, before) => {
      if (before?.matches('closing') === true) expect((snapshot.context as SessionContext).intent).toBe((before.context as SessionContext).intent);
    });
  });
});
