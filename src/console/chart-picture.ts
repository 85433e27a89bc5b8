import type { DrawnEdge, DrawnState, Drawing } from '../chart/drawing.ts';
import { drawn, element } from './dom.ts';

const INSET = { x: 12, baseline: 22, notes: 38, line: 15 } as const;
const MARK = { radius: 3.5, width: 14 } as const;
/** Kept above a state when it is brought into view, in px. */
const MARGIN = 60;
let pictures = 0;

/** A machine drawn; states bear `data-state`, so that the present one can be shown. */
export function chartPicture(drawing: Drawing, description: string): SVGSVGElement {
  pictures += 1;
  const [title, arrow] = [`chart-title-${pictures}`, `chart-arrow-${pictures}`];
  const { width, height } = drawing;
  const svg = drawn(
    'svg',
    { class: 'chart', width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-labelledby': title },
    drawn('title', { id: title }, description),
    drawn('defs', {}, arrowHead(arrow)),
    ...drawing.states.filter(hasInside).map(stateGroup),
    ...drawing.edges.map((edge) => edgeGroup(edge, arrow)),
    ...drawing.states.filter((state) => !hasInside(state)).map(stateGroup),
  );
  traceEdges(svg);
  return svg;
}

/** Marks the state that a session is in, its outermost one as the node tells it, and all it is inside of. */
export function markPresent(svg: SVGSVGElement, present: string | undefined): void {
  for (const state of svg.querySelectorAll<SVGGElement>('g.state')) {
    const isPresent = state.dataset['state'] === present;
    state.classList.toggle('present', isPresent);
    if (isPresent) state.setAttribute('aria-current', 'true');
    else state.removeAttribute('aria-current');
  }
  for (const edge of svg.querySelectorAll<SVGGElement>('g.edge')) edge.classList.toggle('ahead', edge.dataset['from'] === present);
}

/** Scrolls the frame of a picture, never the page: on a narrow screen what matters may lie outside of it. */
export function bringIntoView(frame: HTMLElement, selector: string): void {
  const state = frame.querySelector(selector);
  if (state === null) return;
  const [outer, inner] = [frame.getBoundingClientRect(), state.getBoundingClientRect()];
  frame.scrollBy(inner.left + inner.width / 2 - outer.left - outer.width / 2, inner.top - outer.top - MARGIN);
}

/** The same transitions as a table, for those who would rather read. */
export function chartTable(drawing: Drawing): HTMLElement {
  const row = ({ from, to, labels }: DrawnEdge): HTMLElement =>
    element('tr', {}, element('td', {}, from === '' ? 'any' : from), element('td', {}, labels.map(({ text }) => text).join(', ')), element('td', {}, to));
  const head = element('tr', {}, ...['from', 'on', 'to'].map((name) => element('th', { scope: 'col' }, name)));
  const table = element('table', {}, element('thead', {}, head), element('tbody', {}, ...drawing.edges.map(row)));
  const scroll = element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Transitions of ${drawing.machine}` }, table);
  return element('details', {}, element('summary', {}, 'Transitions as a table'), scroll);
}

const hasInside = ({ kind }: DrawnState): boolean => kind === 'group' || kind === 'region';

function arrowHead(id: string): SVGMarkerElement {
  const box = { id, viewBox: '0 0 8 8', refX: 7.5, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' };
  return drawn('marker', box, drawn('path', { class: 'head', d: 'M0,0.5 L8,4 L0,7.5 z' }));
}

function stateGroup({ id, label, notes, kind, initial, x, y, width, height }: DrawnState): SVGGElement {
  const start = x + INSET.x + (initial ? MARK.width : 0);
  return drawn(
    'g',
    { class: `state ${kind}`, 'data-state': id },
    drawn('rect', { class: 'box', x, y, width, height, rx: 7 }),
    kind === 'final' ? drawn('rect', { class: 'inner', x: x + 3, y: y + 3, width: width - 6, height: height - 6, rx: 5 }) : null,
    initial ? drawn('circle', { class: 'entered', cx: x + INSET.x + MARK.radius, cy: y + INSET.baseline - 4.5, r: MARK.radius }) : null,
    drawn('text', { class: 'name', x: start, y: y + INSET.baseline }, label),
    ...notes.map((note, index) => drawn('text', { class: 'note', x: x + INSET.x, y: y + INSET.notes + index * INSET.line }, note)),
  );
}

function edgeGroup({ from, to, path, labels }: DrawnEdge, arrow: string): SVGGElement {
  return drawn(
    'g',
    { class: 'edge', 'data-from': from, 'data-to': to },
    drawn('path', { d: path, 'marker-end': `url(#${arrow})` }),
    ...labels.map(({ text, x, y }) => drawn('text', { class: 'label', x, y: y + 11 }, text)),
  );
}

/** Under the pointer a state shows its own arrows, and an arrow itself: a large chart can be followed that way. */
function traceEdges(svg: SVGSVGElement): void {
  const edges = [...svg.querySelectorAll<SVGGElement>('g.edge')];
  svg.addEventListener('pointerover', (event) => {
    const target = event.target instanceof Element ? event.target.closest<SVGGElement>('g.state, g.edge') : null;
    const id = target?.dataset['state'];
    const traced = edges.filter((edge) => edge === target || (id !== undefined && [edge.dataset['from'], edge.dataset['to']].includes(id)));
    svg.classList.toggle('tracing', traced.length > 0);
    for (const edge of edges) edge.classList.toggle('traced', traced.includes(edge));
  });
  svg.addEventListener('pointerleave', () => svg.classList.remove('tracing'));
}
