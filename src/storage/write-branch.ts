// Branches: which of them a conversation goes on with, and the copy of one as a conversation of its own. Either goes
// on in the epoch of the message that it stands at.
import type { Database } from 'bun:sqlite';
import type { Conversation } from '../conversations/conversation.ts';
import type { ForkConversation, MoveOutcome } from '../conversations/store.ts';
import { IN_SCOPE } from './rows.ts';
import type { SearchIndex } from './search-index.ts';
import { createConversationReader } from './sqlite-reader.ts';
import type { HeadMove } from './writer-protocol.ts';

export function createMoveHead(db: Database, search: SearchIndex): (move: HeadMove) => MoveOutcome {
  const find = db.prepare<
    { head: string | null },
    { id: string; owner: string; userId: string | null }
  >(`SELECT head FROM conversation WHERE id = $id AND ${IN_SCOPE}`);
  const isNode = db.prepare<unknown, [string, string]>(
    'SELECT 1 FROM node WHERE conversation = ? AND id = ?',
  );
  const active = db.prepare<unknown, [string]>(
    "SELECT 1 FROM turn WHERE conversation = ? AND status IN ('accepted', 'streaming')",
  );
  const update = db.prepare<null, { id: string; node: string }>(`
    UPDATE conversation SET
      head = $node, rev = rev + 1,
      epoch = (SELECT epoch FROM node WHERE conversation = $id AND id = $node)
    WHERE id = $id`);
  return ({ scope, id, node }) => {
    const found = find.get({ id, owner: scope.owner, userId: scope.userId });
    if (found === null) return 'not_found';
    if (isNode.get(id, node) === null) return 'no_such_node';
    if (active.get(id) !== null) return 'busy';
    if (found.head === node) return 'moved';
    update.run({ id, node });
    search.follow({ conversation: id, from: found.head, to: node });
    return 'moved';
  };
}

export function createFork(
  db: Database,
  search: SearchIndex,
): (fork: ForkConversation) => Conversation | null {
  const read = createConversationReader(db);
  const isNode = db.prepare<unknown, [string, string]>(
    'SELECT 1 FROM node WHERE conversation = ? AND id = ?',
  );
  const copies = COPIES.map((sql) => db.prepare<null, Record<string, string | number | null>>(sql));
  return ({ scope, id, node, newId, title, createdAt }) => {
    if (read(scope, id) === null || isNode.get(id, node) === null) return null;
    for (const copy of copies) copy.run({ id, node, newId, title, now: createdAt });
    search.follow({ conversation: newId, from: null, to: node });
    return read(scope, newId);
  };
}

/** The nodes from the one that a fork is made at to the first. */
const PATH = `
  WITH RECURSIVE path (id, parent) AS (
    SELECT id, parent FROM node WHERE conversation = $id AND id = $node
    UNION ALL
    SELECT node.id, node.parent
    FROM path JOIN node ON node.conversation = $id AND node.id = path.parent
  )`;

/** In the order that the foreign keys ask for. A title that a person gave stays one, so that no model replaces it. */
const COPIES = [
  `INSERT INTO conversation
     (id, owner, user_id, title, title_by, head, epoch, metadata, created_at, last_used_at)
   SELECT
     $newId, owner, user_id, $title, title_by, $node,
     (SELECT epoch FROM node WHERE conversation = $id AND id = $node), metadata, $now, $now
   FROM conversation WHERE id = $id`,
  `${PATH}
   INSERT INTO epoch (conversation, id, ordinal, profile, reason)
   SELECT $newId, id, ordinal, profile, reason FROM epoch
   WHERE conversation = $id AND id IN (
     SELECT node.epoch FROM path JOIN node ON node.conversation = $id AND node.id = path.id)`,
  `${PATH}
   INSERT INTO node
     (conversation, id, parent, epoch, depth, role, wire, extra, prefix_hash, text, created_at)
   SELECT
     $newId, node.id, node.parent, epoch, depth, role, wire, extra, prefix_hash, text, created_at
   FROM path JOIN node ON node.conversation = $id AND node.id = path.id
   ORDER BY depth`,
  `${PATH}
   INSERT INTO node_blob (conversation, node, position, sha256)
   SELECT $newId, node, position, sha256
   FROM path JOIN node_blob ON node_blob.conversation = $id AND node_blob.node = path.id`,
];
