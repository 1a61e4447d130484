// Reading a conversation whole, for export. Of one moment: a turn may end while it is read.
import type { Database } from 'bun:sqlite';
import type { Blob, Conversation, Scope } from '../conversations/conversation.ts';
import type { ConversationArchive } from '../conversations/store.ts';
import { NODE_COLUMNS, toEpoch, toNode, toTurn } from './rows.ts';
import type { EpochRow, NodeRow, TurnRow } from './rows.ts';

type ConversationOf = (scope: Scope, id: string) => Conversation | null;

export function createArchiveReader(
  db: Database,
  conversationOf: ConversationOf,
): (scope: Scope, id: string) => ConversationArchive | null {
  const epochs = db.prepare<EpochRow, [string]>(`
    SELECT id AS epoch_id, ordinal, profile, reason
    FROM epoch WHERE conversation = ? ORDER BY ordinal, id`);
  const nodes = db.prepare<NodeRow, [string]>(
    `SELECT ${NODE_COLUMNS} FROM node WHERE conversation = ? ORDER BY depth, rowid`,
  );
  const blobs = db.prepare<Blob, [string]>(`
    SELECT sha256, mime, bytes FROM blob
    WHERE sha256 IN (SELECT sha256 FROM node_blob WHERE conversation = ?) ORDER BY sha256`);
  const turns = db.prepare<TurnRow, [string]>(`
    SELECT * FROM turn
    WHERE conversation = ? AND status NOT IN ('accepted', 'streaming') ORDER BY created_at, id`);
  return db.transaction((scope: Scope, id: string): ConversationArchive | null => {
    const conversation = conversationOf(scope, id);
    if (conversation === null) return null;
    return {
      conversation,
      epochs: epochs.all(id).map(toEpoch),
      nodes: nodes.all(id).map(toNode),
      blobs: blobs.all(id),
      turns: turns.all(id).map(toTurn),
    };
  });
}
