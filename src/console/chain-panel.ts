import type { LifecycleEntry } from '../domain/gateway.ts';
import { element, fill } from './dom.ts';
import { KeyedList } from './keyed-list.ts';
import { notice } from './notice.ts';
import { recordCard } from './record-card.ts';
import type { Surroundings } from './surroundings.ts';

/** A session's records in the log's order: what the log holds, and what comes while one looks. */
export function chainPanel(session: string, { caller, records }: Surroundings, signal: AbortSignal): HTMLElement {
  const chain = new Map<number, LifecycleEntry>();
  const list = new KeyedList<LifecycleEntry>(element('ol', { class: 'chain' }), ({ offset }) => String(offset), recordCard);
  const said = element('div', {});
  const add = (entries: readonly LifecycleEntry[]): void => {
    for (const entry of entries) if (entry.record.session_id === session) chain.set(entry.offset, entry);
    list.show([...chain.values()].toSorted((a, b) => a.offset - b.offset));
  };
  const read = async (): Promise<void> => {
    try {
      for await (const entries of caller.values<LifecycleEntry>(`v1/lifecycle?session_id=${encodeURIComponent(session)}`, signal)) add(entries);
    } catch (error) {
      if (!signal.aborted) fill(said, notice(error));
    }
  };
  records.subscribe((fresh) => add(fresh), signal);
  void read();
  return element('section', { class: 'panel', 'aria-labelledby': 'chain-title' }, element('h3', { id: 'chain-title' }, 'Lifecycle chain'), said, list.element);
}
