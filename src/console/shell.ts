import { clusterPage } from './cluster-page.ts';
import { chartsReader } from './charts.ts';
import type { Credentials } from './credentials.ts';
import { button, element, fill } from './dom.ts';
import { feedPanel } from './feed-panel.ts';
import { machinesPage } from './machines-page.ts';
import { NodeCaller } from './node-caller.ts';
import { NodeTime } from './node-time.ts';
import { Records } from './records.ts';
import type { StreamState } from './records.ts';
import { sessionList } from './session-list.ts';
import { sessionPage } from './session-page.ts';
import type { Surroundings } from './surroundings.ts';
import { shortId } from './texts.ts';
import { Ticker } from './ticker.ts';

const PAGES = [
  ['sessions', 'Sessions'],
  ['machines', 'Machines'],
  ['cluster', 'Cluster'],
] as const;
const STREAM = { replaying: 'replaying the log', live: 'live', waiting: 'node out of reach, trying again', refused: 'refused' } as const;

/** The page of one caller, until `leave`: where one is stands in the address behind `#`. */
export function shell(credentials: Credentials, leave: (why?: unknown) => void): HTMLElement {
  const ended = new AbortController();
  const { signal } = ended;
  const out = (why?: unknown): void => {
    ended.abort();
    leave(why);
  };
  const stream = element('span', { class: 'stream', role: 'status' });
  const onState = ({ phase, refusal }: StreamState): void => {
    stream.dataset['phase'] = phase;
    fill(stream, STREAM[phase]);
    if (refusal?.status === 401 || refusal?.status === 403) out(refusal);
  };
  const time = new NodeTime();
  const caller = new NodeCaller(credentials, time);
  const records = new Records(caller, signal, onState);
  const surroundings: Surroundings = { caller, records, ticker: new Ticker(time, signal), charts: chartsReader() };

  const list = sessionList(surroundings, signal);
  const aside = element('aside', {}, list.element, feedPanel(surroundings, signal));
  const main = element('main', { id: 'main', tabindex: '-1' });
  const nav = element('nav', { 'aria-label': 'Pages' });
  const frame = element('div', { class: 'frame' }, aside, main);
  let page = new AbortController();
  const go = (): void => {
    page.abort();
    page = new AbortController();
    const [, where = 'sessions', what] = location.hash.split('/');
    const name = what === undefined || what === '' ? undefined : decoded(what);
    fill(nav, ...PAGES.map(([id, label]) => element('a', { href: `#/${id}`, ...(id === where ? { 'aria-current': 'page' } : {}) }, label)));
    const onSessions = where !== 'machines' && where !== 'cluster';
    aside.hidden = !onSessions;
    frame.dataset['page'] = onSessions ? (name === undefined ? 'sessions' : 'session') : where;
    list.choose(onSessions ? name : undefined);
    fill(main, content(where, name, surroundings, AbortSignal.any([signal, page.signal])));
    scrollTo(0, 0);
    document.title = `${name === undefined ? where : onSessions ? `session ${shortId(name)}` : `${name} machine`} · Mayfly`;
    // What had the focus may be hidden now.
    if (document.activeElement?.checkVisibility() === false) main.focus();
  };
  window.addEventListener('hashchange', go, { signal });
  go();
  void records.follow();
  const who = element('span', { class: 'who' }, credentials.tenant === '' ? 'by token' : credentials.tenant);
  const top = element(
    'header',
    { class: 'top' },
    brand(),
    nav,
    stream,
    who,
    button('Leave', { title: 'Forget the tenant and the token' }, () => out()),
  );
  return element('div', { class: 'shell' }, top, frame);
}

function content(where: string, name: string | undefined, surroundings: Surroundings, signal: AbortSignal): HTMLElement {
  if (where === 'machines') return machinesPage(name ?? 'session', surroundings.charts);
  if (where === 'cluster') return clusterPage(surroundings, signal);
  if (name !== undefined) return sessionPage(name, surroundings, signal);
  return element(
    'section',
    { class: 'panel welcome' },
    element('h2', {}, 'Choose a session'),
    element('p', {}, 'Its tables, its place in the state machine and its chain of records are shown here, as they change.'),
  );
}

export function brand(): HTMLElement {
  return element('a', { href: '#/sessions', class: 'brand' }, 'mayfly');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
