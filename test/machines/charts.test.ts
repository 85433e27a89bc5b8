import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MACHINES, MACHINE_NAMES } from '../../machines/index.ts';
import { chartOf } from '../../src/chart/chart-of.ts';
import { embedCharts } from '../../src/chart/embed.ts';
import { toMermaid } from '../../src/chart/mermaid.ts';

const architecture = readFileSync(new URL('../../ARCHITECTURE.md', import.meta.url), 'utf8');

describe('ARCHITECTURE.md', () => {
  it('shows every machine as its definition has it now; `npm run charts` brings it up to date', () => {
    expect(embedCharts(architecture)).toBe(architecture);
  });

  it.each(MACHINE_NAMES)('is refused without the marks of the %s chart, with them twice, or the wrong way round', (name) => {
    const [opening, closing] = [`<!-- chart:${name} -->`, `<!-- /chart:${name} -->`];
    expect(() => embedCharts(architecture.replace(opening, ''))).toThrow(opening);
    expect(() => embedCharts(architecture.replace(closing, ''))).toThrow(closing);
    expect(() => embedCharts(`${architecture}${opening}${closing}`)).toThrow(opening);
    expect(() => embedCharts(architecture.replace(opening, 'x').replace(closing, opening).replace('x', closing))).toThrow(opening);
  });

  it('is stale as soon as one line of a chart differs', () => {
    const stale = architecture.replace('stateDiagram-v2\n', 'stateDiagram-v2\n  old --> new\n');
    expect(stale).not.toBe(architecture);
    expect(embedCharts(stale)).toBe(architecture);
  });
});

describe.each(MACHINE_NAMES)('the chart of %s', (name) => {
  const chart = chartOf(MACHINES[name]);
  const ids = new Set(['', ...chart.nodes.map((node) => node.id)]);

  it('has all its ends among its states, and one initial state in every compound one', () => {
    for (const edge of chart.edges) expect(ids).toContain(edge.from);
    for (const edge of chart.edges) if (edge.to !== null) expect(ids).toContain(edge.to);
    for (const node of chart.nodes) if (node.parent !== null) expect(ids).toContain(node.parent);
    for (const compound of chart.nodes.filter((node) => node.kind === 'compound')) {
      expect(chart.nodes.filter((node) => node.parent === compound.id && node.initial)).toHaveLength(1);
    }
  });

  it('draws each transition and each state once', () => {
    const lines = toMermaid(chart).split('\n');
    expect(lines.filter((line) => / --> .+ : /.test(line))).toHaveLength(chart.edges.length);
    expect(lines.filter((line) => /^\s*state "/.test(line)).length).toBeGreaterThanOrEqual(chart.nodes.length);
  });

  it('names no action or guard "inline": what runs can be read in the chart', () => {
    const names = chart.edges.flatMap((edge) => [...edge.actions, ...(edge.guard === undefined ? [] : [edge.guard])]);
    expect(names).not.toContain('inline');
  });
});
