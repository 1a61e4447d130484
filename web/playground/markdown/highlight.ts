// Colours code, once it is whole. The highlighter comes when the first code block does.
import type { highlight } from './languages.ts';
import { renderHighlighted } from './render.ts';

/** Longer code is left as it is: nobody waits for its colours. */
const LONGEST_CODE = 100_000;

let languages: Promise<{ readonly highlight: typeof highlight }> | null = null;

/** Shows code in an element, and gives it its colours when they are there. */
export async function showCode(element: HTMLElement, code: string, language: string) {
  element.textContent = code;
  const nodes = await highlighted(code, language);
  // Another text may have come meanwhile.
  if (nodes && element.textContent === code) element.replaceChildren(nodes);
}

/** Null where the language is not known. */
async function highlighted(code: string, language: string): Promise<DocumentFragment | null> {
  if (language === '' || code.length > LONGEST_CODE) return null;
  languages ??= import('./languages.ts');
  const html = (await languages).highlight(code, language.toLowerCase());
  return html === null ? null : renderHighlighted(html);
}
