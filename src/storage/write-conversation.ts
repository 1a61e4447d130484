// Changing a conversation's title and metadata, and removing one with everything that belongs to it.
import type { Database } from 'bun:sqlite';
import type { Conversation } from '../conversations/conversation.ts';
import { IN_SCOPE } from './rows.ts';
import type { SearchIndex } from './search-index.ts';
import { createConversationReader } from './sqlite-reader.ts';
import type { ConversationChange, ConversationRef, TitleSuggestion } from './writer-protocol.ts';

export function createChange(db: Database): (change: ConversationChange) => Conversation | null {
  const read = createConversationReader(db);
  const setTitle = db.prepare<null, [string | null, string]>(
    "UPDATE conversation SET title = ?, title_by = 'person' WHERE id = ?",
  );
  const setMetadata = db.prepare<null, [string, string]>(
    'UPDATE conversation SET metadata = ? WHERE id = ?',
  );
  const touch = db.prepare<null, [string]>('UPDATE conversation SET rev = rev + 1 WHERE id = ?');
  return ({ scope, id, changes }) => {
    if (read(scope, id) === null) return null;
    if (changes.title !== undefined) setTitle.run(changes.title, id);
    if (changes.metadata !== undefined) setMetadata.run(JSON.stringify(changes.metadata), id);
    touch.run(id);
    return read(scope, id);
  };
}

export function createSuggestTitle(db: Database): (suggestion: TitleSuggestion) => void {
  const update = db.prepare<null, [string, string]>(`
    UPDATE conversation SET title = ?, title_by = 'model', rev = rev + 1
    WHERE id = ? AND title_by <> 'person'`);
  return ({ id, title }) => void update.run(title, id);
}

/** In the order that the foreign keys ask for: whatever points at a row goes before it. */
const REMOVALS = [
  'DELETE FROM turn_event WHERE turn IN (SELECT id FROM turn WHERE conversation = ?)',
  'DELETE FROM turn WHERE conversation = ?',
  'DELETE FROM node_blob WHERE conversation = ?',
  'DELETE FROM node WHERE conversation = ?',
  'DELETE FROM epoch WHERE conversation = ?',
  'DELETE FROM conversation WHERE id = ?',
];

export function createRemove(
  db: Database,
  search: SearchIndex,
): (conversation: ConversationRef) => boolean {
  const find = db.prepare<unknown, { id: string; owner: string; userId: string | null }>(
    `SELECT 1 FROM conversation WHERE id = $id AND ${IN_SCOPE}`,
  );
  const shown = db.prepare<{ sha256: string }, [string]>(
    'SELECT DISTINCT sha256 FROM node_blob WHERE conversation = ?',
  );
  const dropUnshown = db.prepare<null, [string]>(`
    DELETE FROM blob WHERE sha256 = ?1
    AND NOT EXISTS (SELECT 1 FROM node_blob WHERE sha256 = ?1)`);
  const removals = REMOVALS.map((sql) => db.prepare<null, [string]>(sql));
  return ({ scope, id }) => {
    if (find.get({ id, owner: scope.owner, userId: scope.userId }) === null) return false;
    const blobs = shown.all(id);
    search.remove(id);
    for (const removal of removals) removal.run(id);
    for (const { sha256 } of blobs) dropUnshown.run(sha256);
    return true;
  };
}
