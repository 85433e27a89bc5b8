import { forgetCredentials, rememberCredentials, rememberedCredentials } from './credentials.ts';
import type { Credentials } from './credentials.ts';
import { element, fill } from './dom.ts';
import { brand, shell } from './shell.ts';
import { signIn } from './sign-in.ts';

function enter(credentials: Credentials): void {
  rememberCredentials(credentials);
  fill(document.body, shell(credentials, leave));
}

function leave(why?: unknown): void {
  forgetCredentials();
  fill(document.body, element('header', { class: 'top' }, brand()), element('main', { class: 'door' }, signIn(why, enter)));
}

const remembered = rememberedCredentials();
if (remembered === undefined) leave();
else enter(remembered);
