import type { Chart, ChartEdge } from './chart-of.ts';

/** All transitions from one state to another, drawn as one arrow. */
export interface Link {
  readonly from: string;
  readonly to: string;
  readonly labels: readonly string[];
}

/** Transitions between different states, one link for each pair, in the order of the source. */
export function linksOf(chart: Chart): readonly Link[] {
  const links = new Map<string, { from: string; to: string; labels: string[] }>();
  for (const edge of chart.edges) {
    if (edge.to === null || edge.to === edge.from) continue;
    const key = `${edge.from} ${edge.to}`;
    const link = links.get(key) ?? { from: edge.from, to: edge.to, labels: [] };
    links.set(key, link);
    if (!link.labels.includes(labelOf(edge))) link.labels.push(labelOf(edge));
  }
  return [...links.values()];
}

/** What a state does without leaving: the actors it runs, events it takes in place, and those that start it anew. */
export function notesOf(chart: Chart, id: string): readonly string[] {
  const runs = chart.nodes.find((node) => node.id === id)?.invokes ?? [];
  const own = chart.edges.filter((edge) => edge.from === id);
  const inPlace = distinct(own.filter((edge) => edge.to === null).map(labelOf));
  const anew = distinct(own.filter((edge) => edge.to === id).map(labelOf));
  return [...runs.map((name) => `runs ${name}`), ...inPlace.map((label) => `on ${label}`), ...anew.map((label) => `↻ ${label}`)];
}

/** The chart of the outermost states alone, each standing for all that is inside it; on what condition is left to the whole. */
export function overviewOf(chart: Chart): Chart {
  const outer = (id: string): string => id.split('.', 1)[0] ?? '';
  const edges = chart.edges.flatMap((edge) => {
    if (edge.to === null || edge.from === '' || outer(edge.from) === outer(edge.to)) return [];
    return [{ on: edge.on, actions: edge.actions, from: outer(edge.from), to: outer(edge.to) }];
  });
  const nodes = chart.nodes.filter((node) => node.parent === null).map((node) => ({ ...node, kind: node.kind === 'final' ? node.kind : 'atomic' }) as const);
  return { ...chart, nodes, edges };
}

function labelOf(edge: ChartEdge): string {
  return edge.guard === undefined ? edge.on : `${edge.on} [${edge.guard}]`;
}

function distinct(labels: readonly string[]): readonly string[] {
  return [...new Set(labels)];
}
