import type { SessionPage, SessionState, SessionView } from '../domain/gateway.ts';
import { badge, labelList } from './badges.ts';
import { openDialog } from './dialogs.ts';
import { button, element, fill } from './dom.ts';
import type { Child } from './dom.ts';
import { KeyedList } from './keyed-list.ts';
import { notice } from './notice.ts';
import { Refresher } from './refresher.ts';
import type { Surroundings } from './surroundings.ts';

import { countText, shortId, wordsOf } from './texts.ts';
import type { Ticker } from './ticker.ts';

const EVERY_MS = 5_000;
const PAGE = 100;
const SHOWN_MAX = 1_000;
const STATES: readonly SessionState[] = ['open', 'active', 'closing', 'partial_failure', 'closed', 'timed_out'];

export interface SessionListPanel {
  readonly element: HTMLElement;
  /** Marks the session that is looked at. */
  choose(session: string | undefined): void;
}

/** The tenant's sessions, live and recently ended, kept up to date by the lifecycle stream and by asking now and then. */
export function sessionList(surroundings: Surroundings, signal: AbortSignal): SessionListPanel {
  const { caller, records } = surroundings;
  let chosen: string | undefined;
  let limit = PAGE;
  let page: SessionPage | undefined;

  const state = element('select', { id: 'state' }, element('option', { value: '' }, 'any state'));
  for (const each of STATES) state.append(element('option', { value: each }, wordsOf(each)));
  const label = element('input', { id: 'label', type: 'search', placeholder: 'label, as user:42', spellcheck: 'false' });
  const count = element('small', { role: 'status' });
  const said = element('div', {});
  const more = button('Show more', { hidden: true }, () => {
    limit = Math.min(SHOWN_MAX, limit + PAGE);
    refresher.soon();
  });
  const list = new KeyedList<SessionView>(
    element('ul', { class: 'sessions' }),
    ({ session_id }) => session_id,
    (session) => item(session, session.session_id === chosen, surroundings),
  );

  const show = (): void => {
    if (page === undefined) return;
    empty.hidden = false;
    list.show(page.sessions, chosen ?? '');
    fill(count, page.next_cursor === null ? countText(page.sessions.length, 'session') : `the first ${page.sessions.length}`);
    more.hidden = page.next_cursor === null || limit >= SHOWN_MAX;
  };
  const read = async (): Promise<void> => {
    const query = new URLSearchParams({ limit: String(limit) });
    if (state.value !== '') query.set('state', state.value);
    if (label.value.includes(':')) query.set('label', label.value.trim());
    try {
      page = await caller.get<SessionPage>(`v1/sessions?${query}`, signal);
      fill(said);
      show();
    } catch (error) {
      if (!signal.aborted) fill(said, notice(error));
    }
  };
  const refresher = new Refresher(read, EVERY_MS, signal);
  records.subscribe((fresh) => {
    if (fresh.length > 0) refresher.soon();
  }, signal);
  state.addEventListener('change', () => refresher.soon());
  label.addEventListener('input', () => refresher.soon());

  const open = button('Open session', { class: 'primary' }, () =>
    openDialog(caller, ({ session_id }) => {
      location.hash = `#/sessions/${encodeURIComponent(session_id)}`;
      refresher.soon();
    }),
  );
  const filters = element(
    'div',
    { class: 'row filters' },
    element('label', { for: 'state', class: 'unseen' }, 'State'),
    state,
    element('label', { for: 'label', class: 'unseen' }, 'Label'),
    label,
  );
  const empty = element('p', { class: 'empty', hidden: true }, 'No sessions here. Open one, or loosen the filter.');
  const panel = element(
    'section',
    { class: 'panel', 'aria-labelledby': 'sessions-title' },
    element('header', { class: 'row' }, element('h2', { id: 'sessions-title' }, 'Sessions'), count, open),
    filters,
    said,
    list.element,
    empty,
    more,
  );
  return {
    element: panel,
    choose(session) {
      chosen = session;
      show();
    },
  };
}

function item(session: SessionView, isChosen: boolean, { ticker }: Surroundings): HTMLElement {
  const { session_id, state, created_at, expires_at, labels } = session;
  const age = element('span', { class: 'aside' }, 'opened ', ticker.since(created_at), ' ago');
  const first = [element('code', {}, shortId(session_id)), badge(state)];
  const lines =
    state === 'open' || state === 'active'
      ? [
          element('span', { class: 'row' }, ...first, element('span', { class: 'aside' }, ...leftOf(expires_at, ticker))),
          expires_at === null ? null : ticker.remaining(created_at, expires_at),
          element('span', { class: 'row' }, labelList(labels), age),
        ]
      : [element('span', { class: 'row' }, ...first, age), labelList(labels)];
  const href = `#/sessions/${encodeURIComponent(session_id)}` as const;
  return element('li', {}, element('a', { href, ...(isChosen ? { 'aria-current': 'true' } : {}) }, ...lines));
}

function leftOf(expiresAt: string | null, ticker: Ticker): readonly Child[] {
  return expiresAt === null ? ['no deadline'] : [ticker.until(expiresAt), ' left'];
}
