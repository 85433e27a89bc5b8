import type { AnyStateMachine, AnyStateNode } from 'xstate';

export interface ChartNode {
  /** Path from the root, joined by dots, e.g. `closing.deciding`. */
  readonly id: string;
  readonly parent: string | null;
  readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly initial: boolean;
  /** Names of the actors that run while the state is active. */
  readonly invokes: readonly string[];
}

export interface ChartEdge {
  readonly from: string;
  /** null: the machine stays where it is. */
  readonly to: string | null;
  /** An event's name, `after <delay>`, `done <actor>`, `error <actor>`, or `always`. */
  readonly on: string;
  readonly guard?: string;
  readonly actions: readonly string[];
}

export interface Chart {
  readonly machine: string;
  readonly kind: ChartNode['kind'];
  readonly nodes: readonly ChartNode[];
  readonly edges: readonly ChartEdge[];
}

/** The chart of a machine, read from its definition, in the order of the source: the same machine gives the same chart. */
export function chartOf(machine: AnyStateMachine): Chart {
  const states = descendants(machine.root);
  const nodes = states.filter((state) => state !== machine.root).map(nodeOf);
  return { machine: machine.id, kind: machine.root.type, nodes, edges: states.flatMap(edgesOf) };
}

function descendants(state: AnyStateNode): readonly AnyStateNode[] {
  return [state, ...Object.values(state.states).flatMap(descendants)];
}

const idOf = (state: AnyStateNode): string => state.path.join('.');

function nodeOf(state: AnyStateNode): ChartNode {
  const { parent } = state;
  return {
    id: idOf(state),
    parent: parent === undefined || parent.path.length === 0 ? null : idOf(parent),
    kind: state.type,
    initial: parent?.type === 'compound' && parent.initial.target.includes(state),
    invokes: state.invoke.map((invoke) => nameOf(invoke.src)),
  };
}

function edgesOf(state: AnyStateNode): readonly ChartEdge[] {
  const all = [...[...state.transitions.values()].flat(), ...(state.always ?? [])];
  return all.flatMap((transition) => {
    const targets = transition.target ?? [null];
    return targets.map((target) => ({
      from: idOf(state),
      to: target === null ? null : idOf(target),
      on: triggerOf(state, transition.eventType),
      ...(transition.guard === undefined ? {} : { guard: nameOf(transition.guard) }),
      actions: transition.actions.map(nameOf),
    }));
  });
}

/** Events that XState makes up (`xstate.after.<delay>.<state>`, `xstate.done.actor.<id>`) in the words of the source. */
function triggerOf(state: AnyStateNode, eventType: string): string {
  const [, kind, rest = ''] = /^xstate\.(after|done\.actor|error\.actor|done\.state)\.(.*)$/.exec(eventType) ?? [];
  if (kind === undefined) return eventType === '' ? 'always' : eventType;
  if (kind === 'after') return `after ${rest.slice(0, rest.indexOf('.'))}`;
  if (kind === 'done.state') return 'done';
  const invoked = state.invoke.find((invoke) => invoke.id === rest);
  return `${kind === 'done.actor' ? 'done' : 'error'} ${invoked === undefined ? rest : nameOf(invoked.src)}`;
}

function nameOf(named: unknown): string {
  if (typeof named === 'string') return named;
  if ((typeof named === 'object' || typeof named === 'function') && named !== null) {
    if ('type' in named && typeof named.type === 'string') return named.type.replace(/^xstate\./, '');
    if ('name' in named && typeof named.name === 'string' && named.name !== '') return named.name;
  }
  return 'inline';
}
