import type { LifecycleEvent } from '../domain/lifecycle-record.ts';
import type { SessionState } from '../domain/gateway.ts';
import { element } from './dom.ts';
import { wordsOf } from './texts.ts';

/** A state or an event by name and colour. */
export function badge(name: SessionState | LifecycleEvent): HTMLElement {
  return element('span', { class: 'badge', 'data-is': name }, wordsOf(name));
}

export function labelList(labels: Readonly<Record<string, string>>): HTMLElement | null {
  const entries = Object.entries(labels);
  if (entries.length === 0) return null;
  const items = entries.map(([key, value]) => element('li', { title: `${key}: ${value}` }, element('span', {}, key), element('b', {}, value)));
  return element('ul', { class: 'labels', 'aria-label': 'Labels' }, ...items);
}
