import type { Credentials } from './credentials.ts';
import { element, fill } from './dom.ts';
import { NodeCaller } from './node-caller.ts';
import { NodeTime } from './node-time.ts';
import { notice } from './notice.ts';

/** Asks whose sessions to show, and lets in whom the node accepts. */
export function signIn(refused: unknown, accepted: (credentials: Credentials) => void): HTMLElement {
  const tenant = element('input', { id: 'tenant', name: 'tenant', autocomplete: 'username', spellcheck: 'false', placeholder: 'acme' });
  const token = element('input', { id: 'token', name: 'token', type: 'password', autocomplete: 'off' });
  const enter = element('button', { type: 'submit', class: 'primary' }, 'Show sessions');
  const said = element('div', {}, refused === undefined ? null : notice(refused));
  const form = element(
    'form',
    { class: 'sign-in panel' },
    element('h2', {}, 'Whose sessions?'),
    element('p', {}, 'A node without tokens takes the tenant’s name. With tokens, the token names the tenant; an operator’s token needs the name too.'),
    element('label', { for: 'tenant' }, 'Tenant'),
    tenant,
    element('label', { for: 'token' }, 'Token ', element('small', {}, 'where the node asks for one')),
    token,
    enter,
    said,
    element('small', {}, 'Kept in this tab alone, until it is closed.'),
  );
  const ask = async (): Promise<void> => {
    const credentials = { tenant: tenant.value.trim(), token: token.value.trim() };
    enter.disabled = true;
    try {
      await new NodeCaller(credentials, new NodeTime()).get('v1/sessions?limit=1');
      accepted(credentials);
    } catch (error) {
      fill(said, notice(error));
      tenant.focus();
    } finally {
      enter.disabled = false;
    }
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void ask();
  });
  queueMicrotask(() => tenant.focus());
  return form;
}
