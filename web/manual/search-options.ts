// How the manual is searched: the same when the index is built and when it is read.
import type { Options } from 'minisearch';

/** A section of a page, as the search knows it. */
export interface SearchEntry {
  /** Where a hit leads: the page's path with the section's anchor. */
  readonly id: string;
  /** Of the page. */
  readonly title: string;
  /** Of the section; that of the page where it is its beginning. */
  readonly heading: string;
  readonly text: string;
}

export const SEARCH_OPTIONS: Options<SearchEntry> = {
  fields: ['title', 'heading', 'text'],
  storeFields: ['title', 'heading', 'text'],
  searchOptions: {
    boost: { heading: 6, title: 3 },
    prefix: true,
    fuzzy: (term) => (term.length > 4 ? 0.2 : false),
    combineWith: 'AND',
    // What is looked for is how to do something, rarely why it is so.
    boostDocument: (id) =>
      /^\/docs\/(?:decisions|architecture|contributing|changelog)/.test(String(id)) ? 0.4 : 1,
  },
};
