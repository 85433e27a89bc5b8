import { getInitialMicrosteps, getMicrosteps, initialTransition, transition } from 'xstate';
import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** What an effect may come to, by its `src`; `undefined` in the list stands for a failure. */
export type Outcomes = Readonly<Record<string, readonly ({ readonly output: unknown } | undefined)[]>>;

/** Picks one of `count` alternatives. */
export type Pick = (count: number) => number;

export interface Coverage {
  readonly states: Set<string>;
  readonly transitions: Set<string>;
}

interface Step {
  readonly type: string;
  readonly [field: string]: unknown;
}

/**
 * Walks a machine purely, by `transition()`: at each step one of the events it could meet next is picked, be it an
 * outcome of a running effect, a timer, or an event from outside. `check` sees every snapshot.
 */
export function walk(
  machine: AnyStateMachine,
  input: unknown,
  steps: number,
  pick: Pick,
  outside: readonly Step[],
  outcomes: Outcomes,
  check: (snapshot: AnyMachineSnapshot, before: AnyMachineSnapshot | undefined) => void,
): void {
  let [snapshot] = initialTransition(machine, input) as [AnyMachineSnapshot, unknown];
  check(snapshot, undefined);
  for (let step = 0; step < steps && snapshot.status === 'active'; step += 1) {
    const possible = nextEvents(snapshot, outside, outcomes);
    const event = possible[pick(possible.length)];
    if (event === undefined) break;
    const [next] = transition(machine, snapshot, event as never) as [AnyMachineSnapshot, unknown];
    check(next, snapshot);
    snapshot = next;
  }
}

/**
 * Goes everywhere: breadth first over all events that could come next, from each start, a snapshot told from another by
 * `keyOf` (its state value and what guards look at). Returns what was reached.
 */
export function explore(
  machine: AnyStateMachine,
  inputs: readonly unknown[],
  outside: readonly Step[],
  outcomes: Outcomes,
  keyOf: (snapshot: AnyMachineSnapshot) => unknown = () => null,
): Coverage {
  const coverage: Coverage = { states: new Set(), transitions: new Set() };
  const seen = new Set<string>();
  const queue: AnyMachineSnapshot[] = [];
  const meet = (snapshot: AnyMachineSnapshot): void => {
    note(coverage, snapshot);
    const key = JSON.stringify([snapshot.value, keyOf(snapshot)]);
    if (seen.has(key) || snapshot.status !== 'active') return;
    seen.add(key);
    queue.push(snapshot);
  };
  const pass = (steps: Microsteps): void => {
    notePassed(coverage, steps);
    const last = steps.at(-1);
    if (last !== undefined) meet(last[0]);
  };
  for (const input of inputs) pass(getInitialMicrosteps(machine, input) as Microsteps);
  for (let snapshot = queue.shift(); snapshot !== undefined; snapshot = queue.shift()) {
    for (const event of nextEvents(snapshot, outside, outcomes)) {
      for (const taken of machine.getTransitionData(snapshot, event)) coverage.transitions.add(nameOf(taken));
      pass(getMicrosteps(machine, snapshot, event as never) as Microsteps);
    }
  }
  return coverage;
}

type Microsteps = readonly (readonly [AnyMachineSnapshot, unknown])[];

/** The ways that were gone without an event: of a state's alternatives, the first that leads to where it went on. */
function notePassed(coverage: Coverage, steps: Microsteps): void {
  for (const [index, [snapshot]] of steps.entries()) {
    const after = steps[index + 1]?.[0];
    for (const node of snapshot._nodes) {
      const taken = node.always?.find(({ target }) => target?.every((state) => after?._nodes.includes(state)));
      if (taken !== undefined) coverage.transitions.add(nameOf(taken));
    }
  }
}

function note(coverage: Coverage, snapshot: AnyMachineSnapshot): void {
  for (const node of snapshot._nodes) coverage.states.add(node.id);
}

/** A state's alternatives for one event, told apart by their guards, are transitions of their own. */
function nameOf(taken: AnyTransitionDefinition): string {
  const { source, eventType } = taken;
  const alternatives = eventType === '' ? (source.always ?? []) : (source.transitions.get(eventType) ?? []);
  return `${source.id} on ${eventType === '' ? 'always' : eventType}, ${alternatives.indexOf(taken) + 1} of ${alternatives.length}`;
}

function nextEvents(snapshot: AnyMachineSnapshot, outside: readonly Step[], outcomes: Outcomes): Step[] {
  const events: Step[] = [];
  for (const node of snapshot._nodes) {
    for (const type of node.ownEvents) if (type.startsWith('xstate.after.')) events.push({ type });
    for (const { src: source, id } of node.invoke) {
      const src = typeof source === 'string' ? source : '';
      for (const outcome of outcomes[src] ?? []) {
        events.push(
          outcome === undefined
            ? { type: `xstate.error.actor.${id}`, error: new Error(`${src} failed`), actorId: id }
            : { type: `xstate.done.actor.${id}`, output: outcome.output, actorId: id },
        );
      }
    }
  }
  // What goes on inside weighs more than what comes from outside, else a walk seldom gets past a close.
  return [...events, ...events, ...events, ...outside];
}

/** What of `everything` was not reached: empty when all was. */
export function unreached(machine: AnyStateMachine, coverage: Coverage): string[] {
  const { states, transitions } = everything(machine);
  return [...states.filter((state) => !coverage.states.has(state)), ...transitions.filter((step) => !coverage.transitions.has(step))];
}

/** Every state a machine rests in (one with `always` is passed through), and every transition it defines: what a set of walks must have reached. */
function everything(machine: AnyStateMachine): { states: string[]; transitions: string[] } {
  const states: string[] = [];
  const transitions: string[] = [];
  const visit = (node: AnyStateNode): void => {
    if (node.always === undefined) states.push(node.id);
    for (const defined of [...(node.always ?? []), ...[...node.transitions.values()].flat()]) transitions.push(nameOf(defined));
    for (const child of Object.values(node.states)) visit(child);
  };
  visit(machine.root);
  return { states, transitions };
}
