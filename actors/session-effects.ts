import { createActor, fromPromise } from 'xstate';
import type { ActorRefFrom } from 'xstate';
import type { EndReason, LifecycleRecord } from '../src/domain/lifecycle-record.ts';
import type { StandingDecision } from '../src/domain/decision.ts';
import type { Clock } from '../src/ports/clock.ts';
import type { Deletion } from '../machines/session-deletion.ts';
import type { SessionInput } from '../machines/session-context.ts';
import { sessionMachine } from '../machines/session-machine.ts';
import type { TableLedger } from '../machines/table-ledger.ts';
import { machineClock } from './machine-clock.ts';

/** What the machine of one session asks for, by the machine's own names. */
export interface SessionEffects {
  leave(): void;
  takeSlot(): Promise<void>;
  registerLease(): Promise<void>;
  recordOpened(): Promise<{ remainingMs: number | null }>;
  readOpened(): Promise<boolean>;
  releaseSlot(): Promise<void>;
  readDecision(): Promise<StandingDecision | null>;
  claim(): Promise<boolean>;
  decide(reason: EndReason): Promise<StandingDecision>;
  drainWork(): Promise<void>;
  deleteTables(end: { readonly decision: StandingDecision; readonly ledger: TableLedger }): Promise<Deletion>;
  publish(end: { readonly decision: StandingDecision; readonly deletion: Deletion; readonly ledger: TableLedger }): Promise<LifecycleRecord>;
}

/** Each session is an actor system of its own. */
const effectsOf = new WeakMap<object, SessionEffects>();

function of(system: object): SessionEffects {
  const effects = effectsOf.get(system);
  if (effects === undefined) throw new Error('a session machine runs without its effects');
  return effects;
}

/** Provided once for all: a machine made for each session cost more than all of its transitions. */
const livingMachine = sessionMachine.provide({
  actions: { leave: ({ system }) => of(system).leave() },
  actors: {
    takeSlot: fromPromise(({ system }) => of(system).takeSlot()),
    registerLease: fromPromise(({ system }) => of(system).registerLease()),
    recordOpened: fromPromise(({ system }) => of(system).recordOpened()),
    readOpened: fromPromise(({ system }) => of(system).readOpened()),
    releaseSlot: fromPromise(({ system }) => of(system).releaseSlot()),
    readDecision: fromPromise(({ system }) => of(system).readDecision()),
    claim: fromPromise(({ system }) => of(system).claim()),
    decide: fromPromise(({ system, input }) => of(system).decide(input)),
    drainWork: fromPromise(({ system }) => of(system).drainWork()),
    deleteTables: fromPromise(({ system, input }) => of(system).deleteTables(input)),
    publish: fromPromise(({ system, input }) => of(system).publish(input)),
  },
});

/** The machine's actor, not started yet. */
export function sessionActor(clock: Clock, input: SessionInput, effects: SessionEffects): ActorRefFrom<typeof sessionMachine> {
  const actor = createActor(livingMachine, { clock: machineClock(clock), input });
  effectsOf.set(actor.system, effects);
  return actor;
}
