// The reader's part of searching: which of a scope's conversations have all the words of a query. One conversation
// at a time and never for long, because it shares its thread with everybody's streams.
import type { Database, Statement } from 'bun:sqlite';
import type { Scope } from '../conversations/conversation.ts';
import { IN_SCOPE } from './rows.ts';
import { gramsOf } from './search-grams.ts';

/** More words than this narrow nothing; longer ones nobody types. */
const MAX_TERMS = 16;
const MAX_TERM_CHARS = 200;

/** As many as rule out what they can; the text itself is read for the rest. */
const MAX_GRAMS_PER_TERM = 12;

/** How long a search keeps the event loop before it lets others go first. */
const SLICE_MS = 5;

/** The words of a query; none of a query that is blank, which then asks for everything. */
export function termsOf(query: string | null): string[] {
  return (query ?? '')
    .toWellFormed()
    .split(/[\s\0]+/u)
    .filter((term) => term !== '')
    .slice(0, MAX_TERMS)
    .map((term) => Array.from(term).slice(0, MAX_TERM_CHARS).join(''));
}

export type Search = (scope: Scope, terms: readonly string[]) => Promise<string[]>;

/** Finds the ids of the conversations that have each of the words in their title or in a message of their path. */
export function createSearch(db: Database): Search {
  const candidates = db.prepare<{ id: string }, { owner: string; userId: string | null }>(`
    SELECT id FROM conversation WHERE ${IN_SCOPE} ORDER BY last_used_at DESC, id DESC`);
  return async (scope, terms) => {
    using match = prepareMatch(db, terms);
    const found: string[] = [];
    let sliceEnd = performance.now() + SLICE_MS;
    for (const { id } of candidates.all({ owner: scope.owner, userId: scope.userId })) {
      if (match.get(id)) found.push(id);
      if (performance.now() < sliceEnd) continue;
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      sliceEnd = performance.now() + SLICE_MS;
    }
    return found;
  };
}

interface Match extends Disposable {
  get(conversation: string): boolean;
}

function prepareMatch(db: Database, terms: readonly string[]): Match {
  const params: Record<string, string> = {};
  const bind = (value: string): string => {
    const name = `p${Object.keys(params).length}`;
    params[name] = value;
    return `$${name}`;
  };
  const conditions = terms.map((term) => termCondition(term, bind)).join(' AND ');
  const statement: Statement<unknown, [Record<string, string>]> = db.prepare(
    `SELECT 1 FROM conversation WHERE id = $id AND ${conditions}`,
  );
  return {
    get: (id) => statement.get({ id, ...params }) !== null,
    [Symbol.dispose]: () => statement.finalize(),
  };
}

/** Grams are the cheap test, and for words that have none it is left out. */
function termCondition(term: string, bind: (value: string) => string): string {
  const likes = caseVariants(term).map((variant) =>
    bind(`%${variant.replace(/[\\%_]/g, String.raw`\$&`)}%`),
  );
  const has = (column: string): string =>
    likes.map((like) => String.raw`${column} LIKE ${like} ESCAPE '\'`).join(' OR ');
  const grams = gramsOf(term)
    .slice(0, MAX_GRAMS_PER_TERM)
    .map(
      (gram) =>
        `EXISTS (SELECT 1 FROM search_gram WHERE conversation = seq AND gram = ${bind(gram)}) AND `,
    );
  return `(${has('title')} OR (${grams.join('')} EXISTS (
    SELECT 1 FROM search_entry AS entry
    JOIN node ON node.conversation = entry.conversation AND node.id = entry.node
    WHERE entry.conversation = conversation.id AND (${has('node.text')}))))`;
}

/** LIKE folds the case of ASCII only. */
function caseVariants(term: string): string[] {
  const lower = term.toLowerCase();
  const [first = '', ...rest] = lower;
  return [...new Set([term, lower, term.toUpperCase(), first.toUpperCase() + rest.join('')])];
}
