/** What a page element may be given besides text. No handlers in text and no styles: the page's policy forbids both. */
interface Attributes {
  readonly class?: string;
  readonly id?: string;
  readonly href?: `#${string}`;
  readonly type?: string;
  readonly name?: string;
  readonly value?: string;
  readonly max?: string;
  readonly for?: string;
  readonly title?: string;
  readonly role?: string;
  readonly scope?: string;
  readonly rows?: string;
  readonly datetime?: string;
  readonly placeholder?: string;
  readonly autocomplete?: string;
  readonly spellcheck?: string;
  readonly tabindex?: string;
  readonly hidden?: boolean;
  readonly disabled?: boolean;
  readonly selected?: boolean;
  readonly required?: boolean;
  readonly [aria: `aria-${string}`]: string | undefined;
  readonly [data: `data-${string}`]: string | undefined;
}

export type Child = Node | string | number | null | undefined;

/** An element of the page. Children that are no nodes become text, whatever they hold: data is never read as markup. */
export function element<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: readonly Child[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  setAttributes(made, attributes);
  fill(made, ...children);
  return made;
}

/** A part of a drawing; its text is text as well. */
export function drawn<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number>>,
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  fill(made, ...children);
  return made;
}

/** Replaces what an element holds. */
export function fill(parent: Element, ...children: readonly Child[]): void {
  parent.replaceChildren(...children.filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
}

export function button(label: string, attributes: Attributes, pressed: () => void): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, label);
  made.addEventListener('click', pressed);
  return made;
}

function setAttributes(made: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? '' : String(value));
  }
}
