import { element } from './dom.ts';
import { asRefusal } from './refusal.ts';

/** What went wrong, as the node says it: its code, its words, and its fields. */
export function notice(error: unknown): HTMLElement {
  const { code, message, fields } = asRefusal(error);
  const more = Object.entries(fields).map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return element(
    'div',
    { class: 'notice', role: 'alert', 'data-code': code },
    element('code', {}, code),
    element('p', {}, message),
    more.length === 0 ? null : element('small', {}, more.join(' · ')),
  );
}
