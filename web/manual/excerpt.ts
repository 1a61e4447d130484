// The part of a text that a search found, with what was found marked.

const EXCERPT_CHARS = 150;
/** How much of it stands before the first word that was found. */
const BEFORE_CHARS = 40;

export function excerptOf(text: string, terms: readonly string[]): string {
  const found = patternOf(terms)?.exec(text)?.index ?? 0;
  const start = found <= BEFORE_CHARS ? 0 : text.indexOf(' ', found - BEFORE_CHARS) + 1;
  const end = Math.max(text.lastIndexOf(' ', start + EXCERPT_CHARS), found + 1);
  if (text.length <= start + EXCERPT_CHARS) return `${start > 0 ? '… ' : ''}${text.slice(start)}`;
  return `${start > 0 ? '… ' : ''}${text.slice(start, end)} …`;
}

/** Text and `<mark>`s. */
export function marked(text: string, terms: readonly string[]): (Node | string)[] {
  const pattern = patternOf(terms);
  if (!pattern) return [text];
  return text.split(pattern).map((part, index) => {
    if (index % 2 === 0) return part;
    const mark = document.createElement('mark');
    mark.textContent = part;
    return mark;
  });
}

/** The words of the index are in small letters and without punctuation. */
function patternOf(terms: readonly string[]): RegExp | null {
  const words = terms.map((term) => term.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`));
  return words.length === 0 ? null : new RegExp(`(?<![\\p{L}\\p{N}])(${words.join('|')})`, 'giu');
}
