import type { Chart, ChartNode } from './chart-of.ts';
import type { Drawing, DrawnEdge, DrawnState } from './drawing.ts';
import { linksOf, notesOf } from './links.ts';
import { roundedPath } from './rounded-path.ts';
import type { Point } from './rounded-path.ts';

/** The parts of ELK's JSON graph that are used here; what it lays out it gives back with places filled in. */
export interface Graph {
  readonly id: string;
  readonly x?: number;
  readonly y?: number;
  readonly width?: number;
  readonly height?: number;
  readonly layoutOptions?: Readonly<Record<string, string>>;
  readonly children?: readonly Graph[];
  readonly edges?: readonly GraphEdge[];
}

interface GraphEdge {
  readonly id: string;
  readonly sources: readonly string[];
  readonly targets: readonly string[];
  readonly labels: readonly { readonly text: string; readonly width: number; readonly height: number; readonly x?: number; readonly y?: number }[];
  readonly sections?: readonly { readonly startPoint: Point; readonly endPoint: Point; readonly bendPoints?: readonly Point[] }[];
}

/** Sizes in px; the fonts are monospaced, so a text is as wide as it has characters. */
const LABEL = { charWidth: 7.85, lineHeight: 18 } as const;
const NOTE = { charWidth: 6.65, lineHeight: 15 } as const;
const INSET = { x: 12, y: 9 } as const;
/** The dot before the name of a state that is entered first. */
const MARK_WIDTH = 14;
const CORNER = 6;
/** Labels of one arrow; what is more is counted. */
const LABELS_MAX = 4;
const ANY = '*';

const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.spacing.nodeNode': '22',
  'elk.spacing.edgeNode': '14',
  'elk.spacing.edgeEdge': '11',
  'elk.spacing.edgeLabel': '3',
  'elk.spacing.componentComponent': '28',
  'elk.layered.spacing.nodeNodeBetweenLayers': '30',
  'elk.layered.spacing.edgeNodeBetweenLayers': '14',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '11',
  // Sources are written in the order of life: what leads back in it is drawn as a way back.
  'elk.layered.considerModelOrder.strategy': 'PREFER_NODES',
  'elk.layered.cycleBreaking.strategy': 'MODEL_ORDER',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.padding': '[top=8,left=8,bottom=8,right=8]',
} as const;

/** The chart as a graph to lay out, its states sized to their texts. */
export function graphOf(chart: Chart, direction: 'DOWN' | 'RIGHT'): Graph {
  const outermost = chart.nodes.filter((node) => node.parent === null);
  const any = chart.edges.some((edge) => edge.from === '') ? [leafOf(ANY, anyLabel(chart), notesOf(chart, ''), false)] : [];
  return {
    id: 'root',
    layoutOptions: { ...OPTIONS, 'elk.direction': direction },
    children: [...any, ...outermost.map((node) => stateOf(chart, node))],
    edges: linksOf(chart).map(({ from, to, labels }, index) => ({
      id: `edge ${index}`,
      sources: [from === '' ? ANY : from],
      targets: [to],
      labels: shortened(labels).map((text) => ({ text, width: text.length * NOTE.charWidth + 4, height: NOTE.lineHeight })),
    })),
  };
}

function stateOf(chart: Chart, node: ChartNode): Graph {
  const inside = chart.nodes.filter((each) => each.parent === node.id);
  const box = leafOf(node.id, lastName(node.id), notesOf(chart, node.id), node.initial);
  if (inside.length === 0) return box;
  return {
    id: node.id,
    children: inside.map((each) => stateOf(chart, each)),
    layoutOptions: {
      'elk.padding': `[top=${(box.height ?? 0) + 6},left=14,bottom=14,right=14]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${box.width},${box.height})`,
    },
  };
}

function leafOf(id: string, label: string, notes: readonly string[], marked: boolean): Graph {
  const width = Math.max(label.length * LABEL.charWidth + (marked ? MARK_WIDTH : 0), ...notes.map((note) => note.length * NOTE.charWidth));
  return { id, width: Math.ceil(width + 2 * INSET.x), height: LABEL.lineHeight + notes.length * NOTE.lineHeight + 2 * INSET.y };
}

/** The drawing of a chart, from its graph with places filled in. */
export function drawingOf(chart: Chart, laidOut: Graph): Drawing {
  return {
    machine: chart.machine,
    width: Math.ceil(laidOut.width ?? 0),
    height: Math.ceil(laidOut.height ?? 0),
    states: (laidOut.children ?? []).flatMap((child) => drawnStates(chart, child)),
    edges: (laidOut.edges ?? []).map(drawnEdge),
  };
}

function drawnStates(chart: Chart, box: Graph): readonly DrawnState[] {
  const id = box.id === ANY ? '' : box.id;
  const node = chart.nodes.find((each) => each.id === id);
  const place = { x: Math.round(box.x ?? 0), y: Math.round(box.y ?? 0), width: Math.round(box.width ?? 0), height: Math.round(box.height ?? 0) };
  const label = node === undefined ? anyLabel(chart) : lastName(id);
  const drawn: DrawnState = { id, label, notes: notesOf(chart, id), kind: kindOf(chart, node), initial: node?.initial ?? false, ...place };
  return [drawn, ...(box.children ?? []).flatMap((child) => drawnStates(chart, child))];
}

function kindOf(chart: Chart, node: ChartNode | undefined): DrawnState['kind'] {
  if (node === undefined) return 'any';
  if (node.kind === 'final') return 'final';
  const parent = node.parent === null ? chart : chart.nodes.find(({ id }) => id === node.parent);
  if (parent?.kind === 'parallel') return 'region';
  return node.kind === 'atomic' ? 'leaf' : 'group';
}

function drawnEdge({ sources, targets, labels, sections }: GraphEdge): DrawnEdge {
  const points = (sections ?? []).flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint]);
  const from = sources[0] ?? '';
  return {
    from: from === ANY ? '' : from,
    to: targets[0] ?? '',
    path: roundedPath(points, CORNER),
    labels: labels.map(({ text, x = 0, y = 0 }) => ({ text, x: Math.round(x) + 2, y: Math.round(y) })),
  };
}

function shortened(labels: readonly string[]): readonly string[] {
  return labels.length <= LABELS_MAX ? labels : [...labels.slice(0, LABELS_MAX - 1), `and ${labels.length - LABELS_MAX + 1} more`];
}

const anyLabel = (chart: Chart): string => `any state of ${chart.machine}`;
const lastName = (id: string): string => id.slice(id.lastIndexOf('.') + 1);
