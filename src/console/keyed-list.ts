/** A list on the page that follows a list of data: what did not change is not touched, so focus and selection stay. */
export class KeyedList<T> {
  readonly element: HTMLElement;
  readonly #keyOf: (item: T) => string;
  readonly #render: (item: T) => HTMLElement;
  #shown = new Map<string, { readonly text: string; readonly element: HTMLElement }>();
  #isFirst = true;

  constructor(element: HTMLElement, keyOf: (item: T) => string, render: (item: T) => HTMLElement) {
    this.element = element;
    this.#keyOf = keyOf;
    this.#render = render;
  }

  /** @param context whatever else the rendering depends on, such as which item is chosen */
  show(items: readonly T[], context = ''): void {
    const before = this.#shown;
    const focused = [...before].find(([, { element }]) => element.contains(document.activeElement))?.[0];
    this.#shown = new Map(
      items.map((item) => {
        const text = `${context} ${JSON.stringify(item)}`;
        const known = before.get(this.#keyOf(item));
        return [this.#keyOf(item), known?.text === text ? known : { text, element: this.#render(item) }];
      }),
    );
    for (const [key, { element }] of before) if (this.#shown.get(key)?.element !== element) element.remove();
    let place = this.element.firstElementChild;
    for (const [key, { element }] of this.#shown) {
      if (element === place) place = place.nextElementSibling;
      else this.element.insertBefore(element, place);
      element.classList.toggle('arrived', !this.#isFirst && !before.has(key));
    }
    this.#isFirst &&= items.length === 0;
    this.#refocus(focused);
  }

  #refocus(key: string | undefined): void {
    const element = key === undefined ? undefined : this.#shown.get(key)?.element;
    if (element === undefined || element.contains(document.activeElement)) return;
    (element.matches('a, button') ? element : element.querySelector<HTMLElement>('a, button'))?.focus();
  }
}
