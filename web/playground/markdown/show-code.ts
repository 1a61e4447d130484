// Shows code in an element: by pieces while it comes, in colours once it is whole.
import type { highlight } from './languages.ts';

/** Longer code is left as it is: nobody waits for its colours. */
const LONGEST_CODE = 100_000;
/** Lines that are laid out together: of code that grows, only the last piece is laid out again. */
const PIECE_LINES = 40;

let languages: Promise<{ readonly highlight: typeof highlight }> | null = null;

/** Whole code. The highlighter comes when the first code does. */
export async function showCode(element: HTMLElement, code: string, language: string) {
  if (element.textContent !== code) element.textContent = code;
  if (language === '' || code.length > LONGEST_CODE) return;
  languages ??= import('./languages.ts');
  const nodes = (await languages).highlight(code, language.toLowerCase());
  // Another text may have come meanwhile.
  if (nodes && element.textContent === code) element.replaceChildren(nodes);
}

/** Code that is still coming. */
export class GrowingCode {
  readonly #element: HTMLElement;
  #settled = '';
  #last: HTMLElement | null = null;

  constructor(element: HTMLElement) {
    this.#element = element;
  }

  show(code: string): void {
    if (this.#last === null || !code.startsWith(this.#settled)) {
      this.#element.replaceChildren();
      this.#settled = '';
      this.#last = this.#piece();
    }
    for (let rest = code.slice(this.#settled.length); ;) {
      const end = endOfPiece(rest);
      this.#last.textContent = end === 0 ? rest : rest.slice(0, end);
      if (end === 0) return;
      this.#settled += rest.slice(0, end);
      rest = rest.slice(end);
      this.#last = this.#piece();
    }
  }

  #piece(): HTMLElement {
    const piece = document.createElement('span');
    piece.className = 'code-piece';
    this.#element.append(piece);
    return piece;
  }
}

/** Behind its last line end; 0 where there are too few lines for a piece. */
function endOfPiece(text: string): number {
  let at = 0;
  for (let line = 0; line < PIECE_LINES; line++) {
    at = text.indexOf('\n', at) + 1;
    if (at === 0) return 0;
  }
  return at;
}
