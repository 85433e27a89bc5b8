import { assign, fromPromise, setup } from 'xstate';
import type { EndReason, LifecycleRecord } from '../src/domain/lifecycle-record.ts';
import type { StandingDecision } from '../src/domain/decision.ts';
import { known, standing } from './session-context.ts';
import type { SessionContext, SessionEvent, SessionInput } from './session-context.ts';
import { survivorsKey } from './session-deletion.ts';
import type { Deletion } from './session-deletion.ts';
import { EMPTY_LEDGER, dropped, noted } from './table-ledger.ts';
import type { TableLedger } from './table-ledger.ts';

/**
 * One session's life: `open → active → closing → closed | timedOut | partialFailure`.
 *
 * The machine only decides what comes next; every effect is a named actor that `actors/session-actor.ts` provides.
 * - I2: only `deciding` names the end; whatever was intended, the event is the one of the decision that stands.
 * - I3: no way leads out of `closing` but a terminal record; every failure there is retried, with backoff, for ever.
 * - I5: `active.service.sealed` and all of `closing` take no new work.
 */

/** Stands for an effect until the actor provides it; a machine that was started bare fails loudly. */
function effect<Output, Input = void>(name: string) {
  return fromPromise<Output, Input>(() => Promise.reject(new Error(`the session machine was started without its "${name}"`)));
}

const BACKOFF_MS = { min: 50, max: 2_000 } as const;
/** An `opened` that was sent and not found is looked for that often, ever more seldom: for more than half an hour in all. */
const LOOKS_MAX = 14;
const LOOK_MS = { min: 500, max: 300_000 } as const;

export const sessionMachine = setup({
  types: {
    context: {} as SessionContext,
    events: {} as SessionEvent,
    input: {} as SessionInput,
    output: {} as LifecycleRecord | null,
  },
  actors: {
    takeSlot: effect<void>('takeSlot'),
    registerLease: effect<void>('registerLease'),
    /** Resolves with what is left until the deadline. */
    recordOpened: effect<{ remainingMs: number | null }>('recordOpened'),
    /** Whether `opened` stands in the log after all. */
    readOpened: effect<boolean>('readOpened'),
    releaseSlot: effect<void>('releaseSlot'),
    readDecision: effect<StandingDecision | null>('readDecision'),
    claim: effect<boolean>('claim'),
    decide: effect<StandingDecision, EndReason>('decide'),
    drainWork: effect<void>('drainWork'),
    deleteTables: effect<Deletion, { decision: StandingDecision; ledger: TableLedger }>('deleteTables'),
    publish: effect<LifecycleRecord, { decision: StandingDecision; deletion: Deletion; ledger: TableLedger }>('publish'),
  },
  guards: {
    isAdopted: ({ context }) => context.adopted,
    leaseIsLost: ({ context }) => context.leaseAtOpen === 'lost',
    leaseIsRegained: ({ context }) => context.leaseAtOpen === 'regained',
    doubtIsOver: ({ context }) => context.failures >= LOOKS_MAX,
    survivorsAreRecorded: ({ context }) => context.deletion?.complete === false && survivorsKey(context.deletion) === context.recordedSurvivors,
  },
  actions: {
    countFailure: assign({ failures: ({ context }) => context.failures + 1 }),
    forgetFailures: assign({ failures: 0, error: null }),
    /** Callers are told that it was not opened, and it counts no more. */
    leave: () => {},
  },
  delays: {
    untilDeadline: ({ context }) => context.remainingMs ?? Number.MAX_SAFE_INTEGER,
    untilIdleTooLong: ({ context }) => context.idleTimeoutMs ?? Number.MAX_SAFE_INTEGER,
    claimWait: 250,
    backoff: ({ context }) => Math.min(BACKOFF_MS.max, BACKOFF_MS.min * 2 ** Math.min(context.failures, 16)),
    untilNextLook: ({ context }) => Math.min(LOOK_MS.max, LOOK_MS.min * 2 ** Math.min(context.failures, 16)),
    // An adopter has nothing to drop: it only looks for a proof, which may come at any moment.
    deletionRetry: ({ context }) => Math.min(context.adopted ? 5_000 : 60_000, 500 * 2 ** Math.min(context.failures, 16)),
  },
}).createMachine({
  id: 'session',
  context: ({ input }) => ({
    remainingMs: input.remainingMs,
    idleTimeoutMs: input.idleTimeoutMs,
    ledger: input.adopted?.ledger ?? EMPTY_LEDGER,
    adopted: input.adopted !== undefined,
    leaseAtOpen: 'held',
    intent: input.adopted?.reason ?? null,
    decision: null,
    deletion: null,
    recordedSurvivors: null,
    record: null,
    failures: 0,
    error: null,
  }),
  output: ({ context }) => context.record,
  initial: 'open',
  states: {
    open: {
      initial: 'starting',
      states: {
        starting: {
          always: [{ guard: 'isAdopted', target: '#session.closing' }, { target: 'takingSlot' }],
        },
        takingSlot: {
          invoke: {
            src: 'takeSlot',
            onDone: 'registering',
            onError: { target: '#session.abandoned', actions: assign({ error: ({ event }) => event.error }) },
          },
        },
        registering: {
          invoke: {
            src: 'registerLease',
            onDone: 'recording',
            onError: { target: 'releasing', actions: assign({ error: ({ event }) => event.error }) },
          },
        },
        recording: {
          invoke: {
            src: 'recordOpened',
            onDone: { target: '#session.active', actions: assign({ remainingMs: ({ event }) => event.output.remainingMs }) },
            onError: { target: 'readingBack', actions: assign({ error: ({ event }) => event.error }) },
          },
        },
        // `opened` was sent and may stand: once it does, the session is owed its end like any other (I3).
        readingBack: {
          invoke: {
            src: 'readOpened',
            onDone: [
              { guard: ({ event }) => event.output, target: '#session.closing', actions: assign({ intent: 'lease_expired' }) },
              { target: 'withdrawing' },
            ],
            onError: { target: 'waitingForLog', actions: 'countFailure' },
          },
        },
        waitingForLog: { after: { backoff: 'readingBack' } },
        withdrawing: { invoke: { src: 'releaseSlot', onDone: 'doubted', onError: 'doubted' } },
        // It may still land, from the buffers of a server that was stopped: its end is then owed all the same (I3).
        doubted: {
          entry: 'leave',
          initial: 'waiting',
          states: {
            waiting: { entry: assign({ failures: 0 }), after: { untilNextLook: 'looking' } },
            again: { entry: 'countFailure', after: { untilNextLook: 'looking' } },
            looking: {
              invoke: {
                src: 'readOpened',
                onDone: [
                  { guard: ({ event }) => event.output, target: '#session.closing', actions: assign({ intent: 'lease_expired' }) },
                  { guard: 'doubtIsOver', target: '#session.abandoned' },
                  { target: 'again' },
                ],
                onError: 'again',
              },
            },
          },
        },
        releasing: {
          invoke: { src: 'releaseSlot', onDone: '#session.abandoned', onError: '#session.abandoned' },
        },
      },
      // A caller may give up while the session opens; the end is pursued as soon as there is something to end.
      on: {
        CLOSE: { actions: assign({ intent: ({ event }) => event.reason }) },
        WORKER_LOST: { actions: assign({ intent: ({ context }) => context.intent ?? 'worker_lost' }) },
        FENCED: { actions: assign({ leaseAtOpen: 'lost' }) },
        LEASE_RESTORED: { guard: 'leaseIsLost', actions: assign({ leaseAtOpen: 'regained' }) },
      },
    },

    active: {
      type: 'parallel',
      entry: 'forgetFailures',
      always: { guard: ({ context }) => context.intent !== null, target: 'closing' },
      states: {
        work: {
          initial: 'idle',
          states: {
            idle: {
              after: { untilIdleTooLong: { target: '#session.closing', actions: assign({ intent: 'idle' }) } },
              on: { WORK_BEGAN: 'busy', TOUCHED: { target: 'idle', reenter: true }, EXTENDED: { target: 'idle', reenter: true } },
            },
            busy: { on: { WORK_ENDED: 'idle' } },
          },
        },
        lifetime: {
          initial: 'running',
          states: {
            running: {
              after: { untilDeadline: { target: '#session.closing', actions: assign({ intent: 'deadline' }) } },
              on: {
                EXTENDED: {
                  target: 'running',
                  reenter: true,
                  actions: assign({
                    remainingMs: ({ event }) => event.remainingMs,
                    idleTimeoutMs: ({ event }) => event.idleTimeoutMs,
                  }),
                },
              },
            },
          },
        },
        service: {
          initial: 'entering',
          states: {
            // What happened to the lease as it opened counts like what happens later (I5).
            entering: {
              always: [{ guard: 'leaseIsLost', target: 'sealed' }, { guard: 'leaseIsRegained', target: 'confirming' }, { target: 'serving' }],
            },
            serving: { on: { FENCED: 'sealed' } },
            // Fenced: nothing is served until the log was asked whether others decided meanwhile (I5).
            sealed: { on: { LEASE_RESTORED: 'confirming' } },
            confirming: {
              invoke: {
                src: 'readDecision',
                onDone: [
                  {
                    guard: ({ event }) => event.output !== null,
                    target: '#session.closing',
                    actions: assign({ intent: ({ event }) => event.output?.decision.reason ?? 'lease_expired' }),
                  },
                  { target: 'serving', actions: 'forgetFailures' },
                ],
                onError: { target: 'waitingForLog', actions: 'countFailure' },
              },
              on: { FENCED: 'sealed' },
            },
            waitingForLog: { after: { backoff: 'confirming' }, on: { FENCED: 'sealed' } },
          },
        },
      },
      on: {
        CLOSE: { target: 'closing', actions: assign({ intent: ({ event }) => event.reason }) },
        WORKER_LOST: { target: 'closing', actions: assign({ intent: 'worker_lost' }) },
        REVOKED: { target: 'closing', actions: assign({ intent: 'lease_expired' }) },
      },
    },

    closing: {
      initial: 'claiming',
      states: {
        // The claim saves double work across nodes; no safety rests on it, so a failing lock does not stop us.
        claiming: {
          invoke: {
            src: 'claim',
            onDone: [{ guard: ({ event, context }) => event.output || context.failures >= 3, target: 'deciding' }, { target: 'yielding' }],
            onError: 'deciding',
          },
        },
        yielding: { after: { claimWait: { target: 'claiming', actions: 'countFailure' } } },
        // The linearisation point (I1, I2): who loses adopts the winner's event and reason, and helps.
        deciding: {
          invoke: {
            src: 'decide',
            input: ({ context }) => context.intent ?? 'lease_expired',
            onDone: { target: 'draining', actions: ['forgetFailures', assign({ decision: ({ event }) => event.output })] },
            onError: { target: 'undecided', actions: ['countFailure', assign({ error: ({ event }) => event.error })] },
          },
        },
        undecided: { after: { backoff: 'deciding' }, on: { CLOSE: 'deciding' } },
        draining: {
          invoke: { src: 'drainWork', onDone: 'deleting', onError: 'deleting' },
        },
        deleting: {
          invoke: {
            src: 'deleteTables',
            input: ({ context }) => ({ decision: standing(context), ledger: context.ledger }),
            onDone: { target: 'deleted', actions: assign({ deletion: ({ event }) => event.output }) },
            onError: { target: '#session.partialFailure', actions: ['countFailure', assign({ error: ({ event }) => event.error })] },
          },
        },
        deleted: {
          always: [{ guard: 'survivorsAreRecorded', target: '#session.partialFailure', actions: 'countFailure' }, { target: 'publishing' }],
        },
        publishing: {
          invoke: {
            src: 'publish',
            input: ({ context }) => ({ decision: standing(context), deletion: known(context), ledger: context.ledger }),
            onDone: [
              {
                guard: ({ event }) => event.output.event === 'partial_deletion_failure',
                target: '#session.partialFailure',
                actions: assign({ record: ({ event }) => event.output, recordedSurvivors: ({ context }) => survivorsKey(known(context)) }),
              },
              {
                guard: ({ event }) => event.output.event === 'closed',
                target: '#session.closed',
                actions: assign({ record: ({ event }) => event.output }),
              },
              { target: '#session.timedOut', actions: assign({ record: ({ event }) => event.output }) },
            ],
            onError: { target: 'unpublished', actions: ['countFailure', assign({ error: ({ event }) => event.error })] },
          },
        },
        unpublished: { after: { backoff: 'publishing' }, on: { CLOSE: 'publishing' } },
      },
    },

    partialFailure: {
      after: { deletionRetry: { target: 'closing.deleting', actions: 'countFailure' } },
      on: { CLOSE: 'closing.deleting', WORKER_LOST: 'closing.deleting' },
    },

    closed: { type: 'final' },
    timedOut: { type: 'final' },
    /** The open failed before `opened` was sent: no record is owed. */
    abandoned: { type: 'final' },
  },
  on: {
    TABLE_NOTED: { actions: assign({ ledger: ({ context, event }) => noted(context.ledger, event.count) }) },
    TABLE_DROPPED: { actions: assign({ ledger: ({ context, event }) => dropped(context.ledger, event.count) }) },
    NOTE_FAILED: { actions: assign({ ledger: ({ context }) => ({ ...context.ledger, atLeast: true }) }) },
  },
});
