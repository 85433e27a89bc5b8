import { element } from './dom.ts';
import type { NodeTime } from './node-time.ts';
import { durationText } from './texts.ts';

const EVERY_MS = 1_000;

/** Makes what on the page depends on the time, and keeps all of it right, each second. */
export class Ticker {
  readonly #time: NodeTime;

  constructor(time: NodeTime, signal: AbortSignal) {
    this.#time = time;
    const timer = setInterval(() => this.#tick(document), EVERY_MS);
    signal.addEventListener('abort', () => clearInterval(timer));
  }

  /** How long ago something was. */
  since(iso: string): HTMLTimeElement {
    return this.#right(element('time', { datetime: iso, title: iso, 'data-since': iso }));
  }

  /** How long is left until something. */
  until(iso: string): HTMLTimeElement {
    return this.#right(element('time', { datetime: iso, title: iso, 'data-until': iso }));
  }

  /** How much of a span is left, as a bar; the words beside it say the same. */
  remaining(from: string, to: string): HTMLProgressElement {
    return this.#right(element('progress', { max: '1', value: '1', class: 'remaining', 'aria-hidden': 'true', 'data-from': from, 'data-to': to }));
  }

  #right<E extends HTMLElement>(made: E): E {
    const holder = element('span', {}, made);
    this.#tick(holder);
    made.remove();
    return made;
  }

  #tick(root: ParentNode): void {
    const nowMs = this.#time.nowMs();
    for (const each of root.querySelectorAll<HTMLElement>('[data-since]')) {
      write(each, durationText(nowMs - Date.parse(each.dataset['since'] ?? '')));
    }
    for (const each of root.querySelectorAll<HTMLElement>('[data-until]')) {
      const leftMs = Date.parse(each.dataset['until'] ?? '') - nowMs;
      write(each, leftMs > 0 ? durationText(leftMs) : 'due');
    }
    for (const each of root.querySelectorAll<HTMLProgressElement>('progress.remaining')) {
      const fromMs = Date.parse(each.dataset['from'] ?? '');
      const toMs = Date.parse(each.dataset['to'] ?? '');
      each.value = Math.min(1, Math.max(0, (toMs - nowMs) / (toMs - fromMs)));
    }
  }
}

function write(each: HTMLElement, text: string): void {
  if (each.textContent !== text) each.textContent = text;
}
