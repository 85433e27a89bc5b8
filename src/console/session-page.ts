import type { SessionDetails, TableView } from '../domain/gateway.ts';
import { badge, labelList } from './badges.ts';
import { chainPanel } from './chain-panel.ts';
import { closeDialog } from './dialogs.ts';
import { button, element, fill } from './dom.ts';
import { KeyedList } from './keyed-list.ts';
import { machinePanel } from './machine-panel.ts';
import { notice } from './notice.ts';
import { Refresher } from './refresher.ts';
import { asRefusal } from './refusal.ts';
import { sqlPanel } from './sql-panel.ts';
import type { Surroundings } from './surroundings.ts';
import { durationText, numberText, shortId, timeText } from './texts.ts';

const EVERY_MS = 2_000;

/** One session: what it is, where in its life it stands, what it holds, and what the log says of it. */
export function sessionPage(session: string, surroundings: Surroundings, signal: AbortSignal): HTMLElement {
  const path = `v1/sessions/${encodeURIComponent(session)}`;
  const { caller, records } = surroundings;
  const head = element('section', { class: 'panel head', 'aria-labelledby': 'session-title' }, element('h2', { id: 'session-title' }, shortId(session)));
  const body = element('div', { class: 'stack', hidden: true });
  const machine = machinePanel(surroundings.charts);
  const sql = sqlPanel(path, surroundings, signal, () => refresher.soon());
  const tables = tablesPanel((name) => sql.run(`FROM ${name} LIMIT 100`));
  fill(body, machine.element, tables.element, sql.element, chainPanel(session, surroundings, signal));

  let shown = '';
  const show = (details: SessionDetails): void => {
    const text = JSON.stringify(details);
    if (text === shown) return;
    shown = text;
    body.hidden = false;
    const ended = details.ended !== undefined;
    fill(head, ...heading(details, surroundings, () => refresher.soon()));
    machine.present(details.state);
    tables.show(details.tables);
    tables.element.hidden = ended;
    sql.element.hidden = ended;
  };
  const read = async (): Promise<void> => {
    try {
      show(await caller.get<SessionDetails>(path, signal));
    } catch (error) {
      if (signal.aborted) return;
      shown = '';
      // A node that cannot be reached takes nothing away from what is shown; one that does not know the session does.
      body.hidden = asRefusal(error).status === 404;
      fill(head, element('h2', { id: 'session-title' }, `Session ${shortId(session)}`), notice(error));
    }
  };
  const refresher = new Refresher(read, EVERY_MS, signal);
  records.subscribe((fresh) => {
    if (fresh.some(({ record }) => record.session_id === session)) refresher.soon();
  }, signal);
  return element('div', { class: 'stack' }, element('a', { href: '#/sessions', class: 'back' }, '← All sessions'), head, body);
}

function heading(details: SessionDetails, { ticker, caller }: Surroundings, changed: () => void): readonly HTMLElement[] {
  const { session_id, state, created_at, expires_at, timeout_ms, idle_timeout_ms, labels, node_id, ended } = details;
  const left = expires_at === null ? 'no deadline' : element('span', {}, ticker.until(expires_at), ' left');
  const time = ended === undefined ? left : element('time', { datetime: ended.occurred_at, title: ended.occurred_at }, timeText(ended.occurred_at));
  const facts: readonly (readonly [string, Node | string])[] = [
    ['opened', element('span', {}, ticker.since(created_at), ' ago')],
    [ended === undefined ? 'ends' : 'ended', time],
    ...(ended === undefined ? [] : [['lived', durationText(Date.parse(ended.occurred_at) - Date.parse(created_at))] as const]),
    ['timeout', timeout_ms === null ? 'none' : durationText(timeout_ms)],
    ['idle timeout', idle_timeout_ms === null ? 'none' : durationText(idle_timeout_ms)],
    ['node', node_id],
  ];
  const closing = button('Close session', { class: 'danger' }, () => closeDialog(caller, details, changed));
  return [
    element('header', { class: 'row' }, element('h2', { id: 'session-title' }, 'Session'), badge(state), ended === undefined ? closing : null),
    element('p', { class: 'id' }, session_id),
    ...(ended === undefined && expires_at !== null ? [ticker.remaining(created_at, expires_at)] : []),
    element('dl', { class: 'facts' }, ...facts.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value)))),
    ...[labelList(labels)].filter((list) => list !== null),
  ];
}

function tablesPanel(peek: (name: string) => void): { element: HTMLElement; show(tables: readonly TableView[]): void } {
  const list = new KeyedList<TableView>(
    element('tbody', {}),
    ({ name }) => name,
    ({ name, rows, table_ref }) =>
      element(
        'tr',
        {},
        element('td', {}, element('b', {}, name), element('small', { class: 'reference' }, table_ref)),
        element('td', { class: 'number' }, numberText(rows)),
        element(
          'td',
          {},
          button('Show rows', { 'aria-label': `Show rows of ${name}` }, () => peek(name)),
        ),
      ),
  );
  const heads = [
    element('th', { scope: 'col' }, 'table'),
    element('th', { scope: 'col', class: 'number' }, 'rows'),
    element('th', { scope: 'col' }, element('span', { class: 'unseen' }, 'look')),
  ];
  const empty = element('p', { class: 'empty' }, 'No tables yet.');
  const table = element(
    'div',
    { class: 'scroll', hidden: true },
    element('table', { class: 'tables' }, element('thead', {}, element('tr', {}, ...heads)), list.element),
  );
  return {
    element: element('section', { class: 'panel', 'aria-labelledby': 'tables-title' }, element('h3', { id: 'tables-title' }, 'Tables'), table, empty),
    show(tables) {
      list.show(tables);
      table.hidden = tables.length === 0;
      empty.hidden = tables.length > 0;
    },
  };
}
