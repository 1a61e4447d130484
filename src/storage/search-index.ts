// The writer's part of searching: what of a conversation can be found, and that nothing of it stays when it goes.
// Titles need no index: they are short, and are read where they stand.
import type { Database } from 'bun:sqlite';
import { gramsOf } from './search-grams.ts';

export interface SearchIndex {
  /** Enters the messages from `head` back to, but without, `until`. */
  add(path: PathSection): void;
  remove(conversation: string): void;
}

export interface PathSection {
  readonly conversation: string;
  readonly head: string;
  /** null for all of the path. */
  readonly until: string | null;
}

export function createSearchIndex(db: Database): SearchIndex {
  const walk = db.prepare<
    { id: string; text: string },
    { conversation: string; head: string; until: string | null }
  >(`
    WITH RECURSIVE path (id, parent, text) AS (
      SELECT id, parent, text FROM node WHERE conversation = $conversation AND id = $head
      UNION ALL
      SELECT node.id, node.parent, node.text
      FROM path JOIN node ON node.conversation = $conversation AND node.id = path.parent
      WHERE node.id IS NOT $until
    )
    SELECT id, text FROM path WHERE text <> ''`);
  const enter = db.prepare<null, [string, string]>(
    'INSERT INTO search_entry (conversation, node) VALUES (?, ?)',
  );
  const addGrams = db.prepare<null, [string, string]>(`
    INSERT OR IGNORE INTO search_gram (conversation, gram)
    SELECT conversation.seq, value FROM conversation, json_each(?2) WHERE conversation.id = ?1`);
  const dropEntries = db.prepare<null, [string]>('DELETE FROM search_entry WHERE conversation = ?');
  const dropGrams = db.prepare<null, [string]>(
    'DELETE FROM search_gram WHERE conversation = (SELECT seq FROM conversation WHERE id = ?)',
  );
  return {
    add: ({ conversation, head, until }) => {
      for (const { id, text } of walk.all({ conversation, head, until })) {
        enter.run(conversation, id);
        addGrams.run(conversation, JSON.stringify(gramsOf(text)));
      }
    },
    remove: (conversation) => {
      dropEntries.run(conversation);
      dropGrams.run(conversation);
    },
  };
}
