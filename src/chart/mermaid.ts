import type { Chart, ChartEdge, ChartNode } from './chart-of.ts';

/** A chart as the text of a Mermaid `stateDiagram-v2`. */
export function toMermaid(chart: Chart): string {
  const inside = new Map<string | null, ChartNode[]>();
  for (const node of chart.nodes) inside.set(node.parent, [...(inside.get(node.parent) ?? []), node]);
  const whole: ChartNode = { id: '', parent: null, kind: chart.kind, initial: true, invokes: [] };
  const rootEdges = chart.edges.some((edge) => edge.from === '');
  const body = rootEdges ? [`  state "any state of ${chart.machine}" as ${idIn('')}`, ...children(whole, inside, '  ')] : children(whole, inside, '  ');
  return ['stateDiagram-v2', ...body, ...chart.edges.map((edge) => `  ${arrow(edge)}`)].join('\n') + '\n';
}

function children(parent: ChartNode, inside: ReadonlyMap<string | null, readonly ChartNode[]>, indent: string): readonly string[] {
  const nodes = inside.get(parent.id === '' ? null : parent.id) ?? [];
  const lines = nodes.map((node) => [
    ...(node.initial ? [`${indent}[*] --> ${idIn(node.id)}`] : []),
    ...declaration(node, inside, indent),
    ...(node.kind === 'final' ? [`${indent}${idIn(node.id)} --> [*]`] : []),
  ]);
  const parted = parent.kind === 'parallel' ? lines.map((block, i) => (i === 0 ? block : [`${indent}--`, ...block])) : lines;
  return parted.flat();
}

function declaration(node: ChartNode, inside: ReadonlyMap<string | null, readonly ChartNode[]>, indent: string): readonly string[] {
  const label = node.id.slice(node.id.lastIndexOf('.') + 1);
  const running = node.invokes.length === 0 ? '' : ` / runs ${node.invokes.join(', ')}`;
  const head = `${indent}state "${label}${running}" as ${idIn(node.id)}`;
  return inside.has(node.id) ? [`${head} {`, ...children(node, inside, `${indent}  `), `${indent}}`] : [head];
}

function arrow(edge: ChartEdge): string {
  const guard = edge.guard === undefined ? '' : ` [${edge.guard}]`;
  const actions = edge.actions.length === 0 ? '' : ` / ${edge.actions.join(', ')}`;
  return `${idIn(edge.from)} --> ${idIn(edge.to ?? edge.from)} : ${edge.on}${guard}${actions}`;
}

/** Mermaid's names have no dots. */
const idIn = (id: string): string => (id === '' ? 'any' : id.replaceAll('.', '_'));
