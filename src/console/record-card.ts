import type { LifecycleEntry } from '../domain/gateway.ts';
import type { LifecycleRecord } from '../domain/lifecycle-record.ts';
import { badge } from './badges.ts';
import { element } from './dom.ts';
import { countText, shortId, timeText, wordsOf } from './texts.ts';

/** One line of the tenant's feed. */
export function recordLine({ offset, record }: LifecycleEntry): HTMLElement {
  const { session_id, event, occurred_at, details } = record;
  const reason = details?.reason;
  return element(
    'li',
    { class: 'record', 'data-event': event, 'data-offset': String(offset) },
    element('time', { datetime: occurred_at, title: occurred_at }, timeText(occurred_at)),
    badge(event),
    element('a', { href: `#/sessions/${encodeURIComponent(session_id)}`, class: 'id' }, shortId(session_id)),
    element('span', { class: 'told' }, event === 'opened' ? '' : [...(reason === undefined ? [] : [wordsOf(reason)]), deletedText(record)].join(' · ')),
  );
}

/** One entry of a session's chain, with all that it claims. */
export function recordCard(entry: LifecycleEntry): HTMLElement {
  const { offset, record } = entry;
  const { event, occurred_at } = record;
  return element(
    'li',
    { class: 'card', 'data-event': event },
    element(
      'header',
      {},
      badge(event),
      element('time', { datetime: occurred_at, title: occurred_at }, timeText(occurred_at)),
      element('small', {}, `offset ${offset}`),
    ),
    claims(record),
    element('details', {}, element('summary', {}, 'As the log holds it'), element('pre', {}, JSON.stringify(entry, null, 2))),
  );
}

function claims(record: LifecycleRecord): HTMLElement | null {
  if (record.event === 'opened') return null;
  const { reason, proof, erasure, attempted_event, surviving_tables } = record.details ?? {};
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['reason', reason === undefined ? undefined : wordsOf(reason)],
    ['meant to be', attempted_event === undefined ? undefined : wordsOf(attempted_event)],
    ['tables ever made', String(record.ephemeral_table_count)],
    ['rows deleted', deletedText(record)],
    ['proof', proof === undefined ? undefined : PROOF[proof]],
    [
      'erased',
      erasure === undefined ? undefined : `memory: ${wordsOf(erasure.memory)} · spill: ${wordsOf(erasure.spill)} · journal: ${wordsOf(erasure.journal)}`,
    ],
    ['still there', surviving_tables?.join(', ')],
  ];
  const told = rows.flatMap(([name, value]) =>
    value === undefined ? [] : [element('div', WIDE.has(name) ? { class: 'wide' } : {}, element('dt', {}, name), element('dd', {}, value))],
  );
  return element('dl', {}, ...told);
}

/** How many rows, with no more certainty than the record has (I6). */
function deletedText({ deleted_row_count, details }: LifecycleRecord): string {
  const rows = countText(deleted_row_count, 'row');
  switch (details?.counted) {
    case 'exact':
      return `${rows}, counted exactly`;
    case 'last_acknowledged':
      return `${rows}, as last acknowledged`;
    case 'at_least':
      return `at least ${rows}`;
    case 'unknown':
      return 'unknown';
    default:
      return rows;
  }
}

const WIDE = new Set(['erased', 'still there']);
const PROOF = {
  dropped: 'the worker’s receipt for each drop',
  process_exit: 'the death of every process that held it',
  unreachable: 'none yet: the holder cannot be reached',
} as const;
