import type { SessionState } from '../domain/gateway.ts';
import { bringIntoView, chartPicture, markPresent } from './chart-picture.ts';
import type { Charts } from './charts.ts';
import { element, fill } from './dom.ts';
import { notice } from './notice.ts';
import { wordsOf } from './texts.ts';

/** The outermost state of the session machine that stands behind each state a node tells. */
const STATE_IN_MACHINE: Readonly<Record<SessionState, string>> = {
  open: 'open',
  active: 'active',
  closing: 'closing',
  partial_failure: 'partialFailure',
  closed: 'closed',
  timed_out: 'timedOut',
};

export interface MachinePanel {
  readonly element: HTMLElement;
  present(state: SessionState): void;
}

/** The session machine with the present state shown: its outermost states, or all of them. */
export function machinePanel(charts: () => Promise<Charts>): MachinePanel {
  let state: SessionState | undefined;
  let svg: SVGSVGElement | undefined;
  const picture = element('div', { class: 'scroll picture', tabindex: '0', role: 'region', 'aria-label': 'Session machine' });
  const said = element('p', { class: 'unseen', role: 'status' });
  const whole = element('input', { id: 'whole', type: 'checkbox' });
  const mark = (): void => {
    if (svg === undefined || state === undefined) return;
    markPresent(svg, STATE_IN_MACHINE[state]);
    fill(said, `The session is ${wordsOf(state)}.`);
    bringIntoView(picture, 'g.present');
  };
  const draw = async (): Promise<void> => {
    try {
      const { machines, overview } = await charts();
      const drawing = whole.checked ? (machines['session'] ?? overview) : overview;
      svg = chartPicture(drawing, whole.checked ? 'The session machine, all of its states' : 'The session machine, its outermost states');
      svg.classList.toggle('overview', !whole.checked);
      fill(picture, svg);
      mark();
    } catch (error) {
      fill(picture, notice(error));
    }
  };
  whole.addEventListener('change', () => void draw());
  void draw();
  const header = element(
    'header',
    { class: 'row' },
    element('h3', { id: 'machine-title' }, 'State machine'),
    element('label', { for: 'whole', class: 'check' }, whole, 'all states'),
  );
  return {
    element: element('section', { class: 'panel', 'aria-labelledby': 'machine-title' }, header, picture, said),
    present(next) {
      if (next === state) return;
      state = next;
      mark();
    },
  };
}
