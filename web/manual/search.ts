// Finds in the manual: the index, and the list of hits below the field. Loaded when the search is first opened.
import MiniSearch, { type SearchResult } from 'minisearch';
import { created } from '../code/element.ts';
import { excerptOf, marked } from './excerpt.ts';
import type { SearchBox } from './search-dialog.ts';
import { SEARCH_OPTIONS, type SearchEntry } from './search-options.ts';

const MAX_HITS = 20;

export async function startSearch(box: SearchBox, indexUrl: string): Promise<void> {
  const response = await fetch(indexUrl);
  const index = MiniSearch.loadJSON<SearchEntry>(await response.text(), SEARCH_OPTIONS);
  const hits = createHits(box);
  const look = () => {
    const words = box.input.value.trim();
    hits.show(words === '' ? null : find(index, words));
  };
  box.input.addEventListener('input', look);
  look();
}

function find(index: MiniSearch<SearchEntry>, words: string): SearchResult[] {
  const all = index.search(words);
  // Somebody who writes a whole question is better served with some of its words than with nothing.
  return (all.length > 0 ? all : index.search(words, { combineWith: 'OR' })).slice(0, MAX_HITS);
}

function createHits({ input, list, state, dialog }: SearchBox) {
  let chosen = -1;
  const choose = (to: number) => {
    const options = [...list.children];
    chosen = options.length === 0 ? -1 : (to + options.length) % options.length;
    for (const [index, option] of options.entries()) option.ariaSelected = String(index === chosen);
    const option = options[chosen];
    if (option) input.setAttribute('aria-activedescendant', option.id);
    else input.removeAttribute('aria-activedescendant');
    option?.scrollIntoView({ block: 'nearest' });
  };
  input.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) choose(chosen + step);
    else if (event.key === 'Enter')
      list.querySelector<HTMLElement>('[aria-selected=true]')?.click();
    else return;
    event.preventDefault();
  });
  list.addEventListener('click', () => dialog.close());
  return {
    show(hits: readonly SearchResult[] | null): void {
      list.replaceChildren(...(hits ?? []).map(hitOption));
      input.ariaExpanded = String((hits?.length ?? 0) > 0);
      state.textContent = hits === null ? '' : counted(hits);
      choose(0);
    },
  };
}

function counted({ length }: readonly SearchResult[]): string {
  if (length === 0) return 'Nothing found.';
  return length === 1 ? '1 section' : `${length === MAX_HITS ? 'The best ' : ''}${length} sections`;
}

function hitOption(hit: SearchResult, index: number): HTMLAnchorElement {
  const { id, title, heading, text } = hit as SearchResult & SearchEntry;
  return created(
    'a',
    { href: id, id: `hit-${index}`, role: 'option', tabIndex: -1 },
    created('span', { className: 'hit-page', textContent: title === heading ? '' : title }),
    created('strong', {}, ...marked(heading, hit.terms)),
    created('span', { className: 'hit-text' }, ...marked(excerptOf(text, hit.terms), hit.terms)),
  );
}
