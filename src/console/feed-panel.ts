import type { LifecycleEntry } from '../domain/gateway.ts';
import { element } from './dom.ts';
import { KeyedList } from './keyed-list.ts';
import { recordLine } from './record-card.ts';
import type { Surroundings } from './surroundings.ts';

/** Lines on the page; more are kept, and the log holds them all. */
const LINES_MAX = 200;

/** The tenant's records as they come, the newest first. */
export function feedPanel({ records }: Surroundings, signal: AbortSignal): HTMLElement {
  const list = new KeyedList<LifecycleEntry>(
    element('ol', { class: 'feed', 'aria-label': 'Lifecycle records, the newest first' }),
    ({ offset }) => String(offset),
    recordLine,
  );
  let due: ReturnType<typeof setTimeout> | undefined;
  let latest: readonly LifecycleEntry[] = [];
  const show = (): void => {
    due = undefined;
    list.show(latest.slice(-LINES_MAX).toReversed());
  };
  records.subscribe((_fresh, all) => {
    latest = all;
    // A replay brings thousands at once: they are put on the page together.
    due ??= setTimeout(show, 30);
  }, signal);
  signal.addEventListener('abort', () => clearTimeout(due));
  return element(
    'section',
    { class: 'panel', 'aria-labelledby': 'feed-title' },
    element('header', { class: 'row' }, element('h2', { id: 'feed-title' }, 'Lifecycle log')),
    list.element,
    element('p', { class: 'empty' }, 'No records yet. The first session’s “opened” appears here by itself.'),
  );
}
