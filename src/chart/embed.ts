import { MACHINES, MACHINE_NAMES } from '../../machines/index.ts';
import type { MachineName } from '../../machines/index.ts';
import { chartOf } from './chart-of.ts';
import { toMermaid } from './mermaid.ts';

/**
 * A document with every machine's chart as it is now, each between its marks `<!-- chart:<name> -->` and `<!-- /chart:<name> -->`.
 * @throws Error naming the machine whose marks are missing, doubled or in the wrong order
 */
export function embedCharts(document: string): string {
  return MACHINE_NAMES.reduce(embedChart, document);
}

function embedChart(document: string, name: MachineName): string {
  const opening = `<!-- chart:${name} -->`;
  const closing = `<!-- /chart:${name} -->`;
  const [before, inside, ...more] = document.split(opening);
  const [, after, ...rest] = inside?.split(closing) ?? [];
  if (before === undefined || after === undefined || more.length > 0 || rest.length > 0 || before.includes(closing)) {
    throw new Error(`The document needs exactly one pair of marks ${opening} and ${closing}, in this order`);
  }
  return [before, opening, '\n\n```mermaid\n', toMermaid(chartOf(MACHINES[name])), '```\n\n', closing, after].join('');
}
