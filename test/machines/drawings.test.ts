import ELK from 'elkjs/lib/elk.bundled.js';
import type { ElkNode } from 'elkjs/lib/elk-api.js';
import { describe, expect, it } from 'vitest';
import { MACHINES, MACHINE_NAMES } from '../../machines/index.ts';
import { chartOf } from '../../src/chart/chart-of.ts';
import type { Drawing, DrawnState } from '../../src/chart/drawing.ts';
import { drawingOf, graphOf } from '../../src/chart/layout.ts';
import type { Graph } from '../../src/chart/layout.ts';
import { overviewOf } from '../../src/chart/links.ts';
import type { Chart } from '../../src/chart/chart-of.ts';
import { roundedPath } from '../../src/chart/rounded-path.ts';

const elk = new ELK.default();

async function draw(chart: Chart, direction: 'DOWN' | 'RIGHT' = 'DOWN'): Promise<Drawing> {
  const laidOut = await elk.layout(structuredClone(graphOf(chart, direction)) as unknown as ElkNode);
  return drawingOf(chart, laidOut as unknown as Graph);
}

const inside = (inner: DrawnState, outer: DrawnState): boolean =>
  inner.x >= outer.x && inner.y >= outer.y && inner.x + inner.width <= outer.x + outer.width && inner.y + inner.height <= outer.y + outer.height;
const apart = (a: DrawnState, b: DrawnState): boolean => a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;

describe.each(MACHINE_NAMES)('the drawing of %s', (name) => {
  const chart = chartOf(MACHINES[name]);

  it('has every state once, and an arrow for every pair of states that a transition joins', async () => {
    const { states, edges } = await draw(chart);
    expect(
      states
        .filter(({ id }) => id !== '')
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(chart.nodes.map(({ id }) => id).toSorted());
    const pairs = new Set(chart.edges.filter(({ from, to }) => to !== null && to !== from).map(({ from, to }) => `${from} ${to}`));
    expect(edges.map(({ from, to }) => `${from} ${to}`).toSorted()).toEqual([...pairs].toSorted());
    for (const edge of edges) expect(edge.path).toMatch(/^M[-\d.,LQ ]+$/);
    for (const edge of edges) expect(edge.labels.length).toBeGreaterThan(0);
  });

  it('tells every transition: at its arrow, or as a note of the state that it stays in', async () => {
    const { states, edges } = await draw(chart);
    const arrows = new Map(edges.map(({ from, to, labels }) => [`${from} ${to}`, labels.map(({ text }) => text)]));
    const notes = new Map(states.map((state) => [state.id, state.notes.join()]));
    for (const { from, to, on } of chart.edges) {
      const labels = arrows.get(`${from} ${to}`);
      if (labels === undefined) expect(notes.get(from)).toContain(on);
      else expect(labels.at(-1)?.startsWith('and ') === true || labels.some((label) => label.startsWith(on)), `${from} ${on}`).toBe(true);
    }
  });

  it('keeps states apart, inside of what they belong to, and all of it on the plane', async () => {
    const { states, width, height } = await draw(chart);
    const plane: DrawnState = { id: '', label: '', notes: [], kind: 'any', initial: false, x: 0, y: 0, width, height };
    for (const state of states) expect(inside(state, plane), state.id).toBe(true);
    for (const [index, a] of states.entries()) {
      for (const b of states.slice(index + 1)) {
        const related = b.id.startsWith(`${a.id}.`) && a.id !== '';
        expect(related ? inside(b, a) : apart(a, b), `${a.id} and ${b.id}`).toBe(true);
      }
    }
  });
});

describe('the overview of the session machine', () => {
  it('has the outermost states alone, each with a place', async () => {
    const chart = chartOf(MACHINES.session);
    const { states, edges } = await draw(overviewOf(chart), 'RIGHT');
    expect(states.map(({ id }) => id)).toEqual(chart.nodes.filter(({ parent }) => parent === null).map(({ id }) => id));
    expect(edges.map(({ from, to }) => `${from} ${to}`)).toContain('active closing');
    expect(edges.every(({ from, to }) => from !== to && !`${from}${to}`.includes('.'))).toBe(true);
  });
});

describe('a path', () => {
  it('rounds corners by no more than half of what leads to them', () => {
    const corner = [
      { x: 0, y: 0 },
      { x: 10, y: 0 },
      { x: 10, y: 4 },
    ];
    expect(roundedPath(corner, 6)).toBe('M0,0L5,0Q10,0 10,2L10,4');
    expect(roundedPath(corner.slice(0, 2), 6)).toBe('M0,0L10,0');
  });
});
