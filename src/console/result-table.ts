import { element } from './dom.ts';
import { countText } from './texts.ts';

export type SqlAnswer =
  | { readonly columns: readonly { readonly name: string; readonly type: string }[]; readonly rows: readonly (readonly unknown[])[] }
  | { readonly rows_changed: number };

/** Rows put on the page; the answer may hold more. */
const ROWS_MAX = 1_000;
const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|UINTEGER|FLOAT|DOUBLE|DECIMAL\(.*\))$/;
const NUMERIC = { class: 'number' } as const;

/** What a statement answered. Every value is shown as text. */
export function resultTable(answer: SqlAnswer, tookMs: number): HTMLElement {
  const took = `${Math.max(1, Math.round(tookMs))} ms`;
  if ('rows_changed' in answer) return element('p', { class: 'status', role: 'status' }, `${countText(answer.rows_changed, 'row')} changed · ${took}`);
  const { columns, rows } = answer;
  const isNumber = columns.map(({ type }) => NUMBER.test(type));
  const heads = columns.map(({ name, type }, index) => element('th', { scope: 'col', ...(isNumber[index] ? NUMERIC : {}) }, name, element('small', {}, type)));
  const body = rows.slice(0, ROWS_MAX).map((row) => element('tr', {}, ...row.map((value, index) => cell(value, isNumber[index] === true))));
  const more = rows.length > ROWS_MAX ? ` · the first ${ROWS_MAX} are shown` : '';
  return element(
    'div',
    { class: 'result' },
    element('p', { class: 'status', role: 'status' }, `${countText(rows.length, 'row')} · ${took}${more}`),
    element(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Result' },
      element('table', {}, element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...body)),
    ),
  );
}

function cell(value: unknown, isNumber: boolean): HTMLElement {
  if (value === null) return element('td', { class: 'null' }, 'NULL');
  return element('td', isNumber ? NUMERIC : {}, element('div', {}, typeof value === 'string' ? value : JSON.stringify(value)));
}
