// The writer's part of searching: what of a conversation can be found, and that nothing of it stays when it goes.
// Titles need no index: they are short, and are read where they stand.
import type { Database } from 'bun:sqlite';
import { gramsOf } from './search-grams.ts';

export interface SearchIndex {
  /** Has the messages of the path to the new head be those that are found. */
  follow(move: HeadChange): void;
  remove(conversation: string): void;
}

export interface HeadChange {
  readonly conversation: string;
  /** null when nothing was found before. */
  readonly from: string | null;
  readonly to: string;
}

export function createSearchIndex(db: Database): SearchIndex {
  const walk = createWalk(db);
  const enter = createEntering(db);
  const leaveBranch = db.prepare<null, [string, string]>(`
    DELETE FROM search_entry
    WHERE conversation = ? AND node NOT IN (SELECT value FROM json_each(?))`);
  const dropEntries = db.prepare<null, [string]>('DELETE FROM search_entry WHERE conversation = ?');
  const dropGrams = db.prepare<null, [string]>(
    'DELETE FROM search_gram WHERE conversation = (SELECT seq FROM conversation WHERE id = ?)',
  );
  return {
    follow: (move) => {
      const { nodes, extends: extended } = walk(move);
      // Grams stay until the conversation goes: they tell only where a search need not look.
      if (!extended) leaveBranch.run(move.conversation, JSON.stringify(nodes));
      for (const node of nodes) enter(move.conversation, node);
    },
    remove: (conversation) => {
      dropEntries.run(conversation);
      dropGrams.run(conversation);
    },
  };
}

interface Section {
  readonly nodes: readonly string[];
  /** Whether the path goes on from the old head: then nodes are what came after it, else all of the path. */
  readonly extends: boolean;
}

/** Step by step: nearly always there are two, and a recursive query takes twenty times as long to set up. */
function createWalk(db: Database): (move: HeadChange) => Section {
  const parentOf = db.prepare<{ parent: string | null }, [string, string]>(
    'SELECT parent FROM node WHERE conversation = ? AND id = ?',
  );
  return ({ conversation, from, to }) => {
    const nodes: string[] = [];
    let id: string | null = to;
    while (id !== null && id !== from) {
      nodes.push(id);
      id = parentOf.get(conversation, id)?.parent ?? null;
    }
    return { nodes, extends: id === from };
  };
}

/** Enters a message that has text and is not there yet. */
function createEntering(db: Database): (conversation: string, node: string) => void {
  const enter = db.prepare<null, [string, string]>(`
    INSERT OR IGNORE INTO search_entry (conversation, node)
    SELECT conversation, id FROM node WHERE conversation = ? AND id = ? AND text <> ''`);
  const read = db.prepare<{ text: string }, [string, string]>(
    'SELECT text FROM node WHERE conversation = ? AND id = ?',
  );
  const addGrams = db.prepare<null, [string, string]>(`
    INSERT OR IGNORE INTO search_gram (conversation, gram)
    SELECT (SELECT seq FROM conversation WHERE id = ?1), value FROM json_each(?2)`);
  return (conversation, node) => {
    if (enter.run(conversation, node).changes === 0) return;
    addGrams.run(conversation, JSON.stringify(gramsOf(read.get(conversation, node)?.text ?? '')));
  };
}
