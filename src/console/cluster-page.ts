import { element, fill } from './dom.ts';
import { notice } from './notice.ts';
import { Refresher } from './refresher.ts';
import { asRefusal } from './refusal.ts';
import type { Surroundings } from './surroundings.ts';
import { wordsOf } from './texts.ts';

const EVERY_MS = 3_000;

type NodeView = Readonly<Record<string, unknown>>;

/** The nodes as they tell of themselves; every field they give is shown. */
export function clusterPage({ caller }: Surroundings, signal: AbortSignal): HTMLElement {
  const body = element('div', {});
  const read = async (): Promise<void> => {
    try {
      fill(body, nodesTable((await caller.get<{ nodes: readonly NodeView[] }>('v1/cluster', signal)).nodes));
    } catch (error) {
      if (signal.aborted) return;
      fill(body, asRefusal(error).code === 'forbidden' ? forOperators() : notice(error));
    }
  };
  void new Refresher(read, EVERY_MS, signal);
  return element('section', { class: 'panel', 'aria-labelledby': 'cluster-title' }, element('h2', { id: 'cluster-title' }, 'Nodes'), body);
}

function nodesTable(nodes: readonly NodeView[]): HTMLElement {
  const fields = [...new Set(nodes.flatMap((node) => Object.keys(node)))];
  const heads = fields.map((field) => element('th', { scope: 'col' }, wordsOf(field)));
  const rows = nodes.map((node) => element('tr', {}, ...fields.map((field) => cell(field, node[field]))));
  const table = element('table', { class: 'nodes' }, element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...rows));
  return element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Nodes' }, table);
}

function cell(field: string, value: unknown): HTMLElement {
  if (value === undefined || value === null) return element('td', { class: 'null' }, '–');
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (field === 'state') return element('td', {}, element('span', { class: 'badge', 'data-is': text }, wordsOf(text)));
  return element('td', typeof value === 'number' ? { class: 'number' } : {}, text);
}

function forOperators(): HTMLElement {
  return element('p', { class: 'empty' }, 'The nodes are shown to operators. This token speaks for one tenant, and its sessions are all here.');
}
