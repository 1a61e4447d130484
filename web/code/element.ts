// Finding what a page is known to have.

export function element<T extends Element>(type: new () => T, selector: string): T {
  const found = document.querySelector(selector);
  if (found instanceof type) return found;
  throw new Error(`no ${selector} on this page`);
}

export function created<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Tells those who do not see the page. */
export function announce(text: string): void {
  element(HTMLElement, '#announce').textContent = text;
}
