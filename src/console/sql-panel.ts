import { button, element, fill } from './dom.ts';
import { notice } from './notice.ts';
import { resultTable } from './result-table.ts';
import type { SqlAnswer } from './result-table.ts';
import type { Surroundings } from './surroundings.ts';

export interface SqlPanel {
  readonly element: HTMLElement;
  /** Shows the statement and runs it. */
  run(query: string): void;
}

/** A statement and its answer. Nothing runs before somebody asks: a statement counts as use of the session. */
export function sqlPanel(sessionPath: string, { caller }: Surroundings, signal: AbortSignal, onDone: () => void): SqlPanel {
  const text = element('textarea', { id: 'statement', rows: '4', spellcheck: 'false', placeholder: 'SELECT …' });
  const answer = element('div', { class: 'answer' });
  const run = element('button', { type: 'submit', class: 'primary' }, 'Run');
  let running: AbortController | undefined;
  const stop = button('Stop', { hidden: true }, () => running?.abort());
  signal.addEventListener('abort', () => running?.abort());

  const send = async (): Promise<void> => {
    const query = text.value.trim();
    if (query === '' || running !== undefined) return;
    running = new AbortController();
    setBusy(true);
    const startedMs = performance.now();
    try {
      const result = await caller.call<SqlAnswer>('POST', `${sessionPath}/sql`, { json: { query }, signal: running.signal });
      fill(answer, resultTable(result, performance.now() - startedMs));
    } catch (error) {
      fill(answer, running.signal.aborted ? element('p', { class: 'status', role: 'status' }, 'Stopped') : notice(error));
    }
    running = undefined;
    setBusy(false);
    if (!signal.aborted) onDone();
  };
  const setBusy = (busy: boolean): void => {
    run.disabled = busy;
    stop.hidden = !busy;
    answer.setAttribute('aria-busy', String(busy));
  };

  text.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    void send();
  });
  const hint = element('small', {}, 'Ctrl + Enter runs it');
  const form = element('form', {}, element('label', { for: 'statement' }, 'Statement'), text, element('div', { class: 'row' }, run, stop, hint));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void send();
  });
  return {
    element: element('section', { class: 'panel sql', 'aria-labelledby': 'sql-title' }, element('h3', { id: 'sql-title' }, 'SQL'), form, answer),
    run(query) {
      text.value = query;
      void send();
    },
  };
}
