import type { LifecycleRecord } from '../domain/lifecycle-record.ts';
import type { SessionDetails, SessionView } from '../domain/gateway.ts';
import { button, element, fill } from './dom.ts';
import type { NodeCaller } from './node-caller.ts';
import { notice } from './notice.ts';
import { countText, shortId } from './texts.ts';

/** Asks how long a session is to live, and opens it. */
export function openDialog(caller: NodeCaller, opened: (session: SessionView) => void): void {
  const timeout = element('input', { id: 'timeout', placeholder: 'the node’s default', spellcheck: 'false' });
  const idle = element('input', { id: 'idle', placeholder: 'never', spellcheck: 'false' });
  const labels = element('input', { id: 'labels', placeholder: 'user=42 task=demo', spellcheck: 'false' });
  const fields = [
    element('label', { for: 'timeout' }, 'Ends after ', element('small', {}, 'such as 30m, 1h')),
    timeout,
    element('label', { for: 'idle' }, 'Ends when unused for'),
    idle,
    element('label', { for: 'labels' }, 'Labels ', element('small', {}, 'key=value, with blanks between')),
    labels,
  ];
  ask('Open a session', 'Open', 'primary', fields, async () => {
    const request = {
      ...(timeout.value.trim() === '' ? {} : { timeout: timeout.value.trim() }),
      ...(idle.value.trim() === '' ? {} : { idle_timeout: idle.value.trim() }),
      ...(labels.value.trim() === '' ? {} : { labels: labelsOf(labels.value) }),
    };
    opened(await caller.call<SessionView>('POST', 'v1/sessions', { json: request }));
  });
}

/** Says what goes with the session, and closes it. */
export function closeDialog(caller: NodeCaller, session: SessionDetails, closed: (record: LifecycleRecord) => void): void {
  const rows = session.tables.reduce((sum, table) => sum + table.rows, 0);
  const what = `${countText(session.tables.length, 'table')} with ${countText(rows, 'row')}`;
  const text = element('p', {}, `Session ${shortId(session.session_id)} and its ${what} are deleted, and the log gets the record of it. There is no way back.`);
  ask('Close this session?', 'Close session', 'danger', [text], async () => {
    closed(await caller.call<LifecycleRecord>('DELETE', `v1/sessions/${encodeURIComponent(session.session_id)}`));
  });
}

function ask(title: string, verb: string, kind: string, content: readonly HTMLElement[], act: () => Promise<void>): void {
  const said = element('div', {});
  const go = element('button', { type: 'submit', class: kind }, verb);
  const form = element('form', {}, element('h2', { id: 'dialog-title' }, title), ...content, said);
  const dialog = element('dialog', { 'aria-labelledby': 'dialog-title' }, form);
  form.append(
    element(
      'div',
      { class: 'row end' },
      button('Cancel', {}, () => dialog.close()),
      go,
    ),
  );
  const send = async (): Promise<void> => {
    go.disabled = true;
    try {
      await act();
      dialog.close();
    } catch (error) {
      fill(said, notice(error));
      go.disabled = false;
    }
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void send();
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function labelsOf(text: string): Readonly<Record<string, string>> {
  const pairs = text
    .trim()
    .split(/\s+/)
    .map((pair) => pair.split('='));
  return Object.fromEntries(pairs.map(([key = '', ...value]) => [key, value.join('=')]));
}
