import { bringIntoView, chartPicture, chartTable } from './chart-picture.ts';
import type { Charts } from './charts.ts';
import { element, fill } from './dom.ts';
import { notice } from './notice.ts';

const TOLD: Readonly<Record<string, string>> = {
  session: 'One session’s life. Only “deciding” names the end, and no way leads out of “closing” but a terminal record.',
  lease: 'A node’s right to serve, kept by its heartbeat. Fenced, it acknowledges nothing.',
  scanner: 'Looks for sessions that nobody ended, so that nothing is left behind.',
  worker: 'A DuckDB process of one tenant, from its start to its end.',
  node: 'A node from its start to the end of its drain.',
};

/** The machines the node runs by, drawn from their definitions. */
export function machinesPage(name: string, charts: () => Promise<Charts>): HTMLElement {
  const picture = element('div', { class: 'scroll picture', tabindex: '0', role: 'region', 'aria-label': `The ${name} machine` });
  const tabs = element('nav', { class: 'tabs', 'aria-label': 'Machines' });
  const below = element('div', {});
  const draw = async (): Promise<void> => {
    try {
      const { machines } = await charts();
      const links = Object.keys(machines).map((each) =>
        element('a', { href: `#/machines/${encodeURIComponent(each)}`, ...(each === name ? { 'aria-current': 'page' } : {}) }, each),
      );
      fill(tabs, ...links);
      const drawing = machines[name];
      fill(
        picture,
        drawing === undefined ? element('p', { class: 'empty' }, 'There is no machine of this name.') : chartPicture(drawing, `The ${name} machine`),
      );
      fill(below, drawing === undefined ? null : chartTable(drawing));
      bringIntoView(picture, 'g.state:has(.entered) .name');
    } catch (error) {
      fill(picture, notice(error));
    }
  };
  void draw();
  return element(
    'section',
    { class: 'panel', 'aria-labelledby': 'machines-title' },
    element('header', { class: 'row' }, element('h2', { id: 'machines-title' }, 'Machines'), tabs),
    element('p', {}, TOLD[name] ?? ''),
    element('p', { class: 'legend' }, '● entered first · dashed: active together · double border: the end · point at a state to follow its arrows'),
    picture,
    below,
  );
}
