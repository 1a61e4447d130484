// The reads, on a connection of their own that cannot write. They run on the event loop's thread: each is a few
// look-ups in memory, far cheaper than a message to another thread; a search, which is more, goes in slices.
import type { Database } from 'bun:sqlite';
import type { Blob, Conversation, ConversationNode, Scope } from '../conversations/conversation.ts';
import type {
  ConversationArchive,
  ConversationPage,
  ListConversations,
  TurnEvent,
} from '../conversations/store.ts';
import type { Turn } from '../conversations/turn.ts';
import type { PathCache } from './path-cache.ts';
import { createArchiveReader } from './read-archive.ts';
import {
  IN_SCOPE,
  NODE_COLUMNS,
  SELECT_CONVERSATION,
  toConversation,
  toNode,
  toTurn,
} from './rows.ts';
import type { ConversationRow, NodeRow, TurnRow } from './rows.ts';
import { createSearch, termsOf } from './search.ts';

export interface Reader {
  conversation(scope: Scope, id: string): Conversation | null;
  path(conversation: string, head: string): ConversationNode[];
  blobs(hashes: readonly string[]): Blob[];
  list(scope: Scope, page: ListConversations): Promise<ConversationPage>;
  turn(scope: Scope, id: string): Turn | null;
  turnWithKey(owner: string, key: string): Turn | null;
  turnSealing(conversation: string, node: string): Turn | null;
  archive(scope: Scope, id: string): ConversationArchive | null;
  events(turn: string, after: number): TurnEvent[];
  cancelRequests(): string[];
  probe(): void;
}

export interface ReaderOptions {
  /** The process's own: the turns that it runs have its lease. */
  readonly instance: string;
  readonly paths: PathCache;
}

export function createReader(db: Database, { instance, paths }: ReaderOptions): Reader {
  const event = db.prepare<TurnEvent, [string, number]>(
    'SELECT turn AS turnId, seq, payload FROM turn_event WHERE turn = ? AND seq > ? ORDER BY seq',
  );
  const blob = db.prepare<Blob, [string]>('SELECT sha256, mime, bytes FROM blob WHERE sha256 = ?');
  const toCancel = db.prepare<{ id: string }, [string]>(`
    SELECT id FROM turn
    WHERE lease = ? AND cancel_requested = 1 AND status IN ('accepted', 'streaming')`);
  const conversation = createConversationReader(db);
  const alive = db.prepare<unknown, []>('SELECT 1 FROM instance LIMIT 1');
  return {
    conversation,
    path: createPathReader(db, paths),
    blobs: (hashes) => hashes.map((hash) => blob.get(hash)).filter((found) => found !== null),
    list: createLister(db),
    turn: createTurnReader(db),
    turnWithKey: createKeyReader(db),
    turnSealing: createSealingReader(db),
    archive: createArchiveReader(db, conversation),
    events: (turn, after) => event.all(turn, after),
    cancelRequests: () => toCancel.all(instance).map(({ id }) => id),
    probe: () => void alive.get(),
  };
}

/** Also for the writer, which answers a change with what became of the conversation. */
export function createConversationReader(
  db: Database,
): (scope: Scope, id: string) => Conversation | null {
  const select = db.prepare<ConversationRow, { id: string; owner: string; userId: string | null }>(
    `${SELECT_CONVERSATION} WHERE conversation.id = $id AND ${IN_SCOPE}`,
  );
  return (scope, id) => {
    const row = select.get({ id, owner: scope.owner, userId: scope.userId });
    return row === null ? null : toConversation(row);
  };
}

/** How many messages are read one by one before the whole path is: a turn adds two, one with tools some more. */
const FRESH_NODES = 8;

function createPathReader(db: Database, cache: PathCache): Reader['path'] {
  const select = db.prepare<NodeRow, { conversation: string; head: string }>(`
    WITH RECURSIVE path (id, parent) AS (
      SELECT id, parent FROM node WHERE conversation = $conversation AND id = $head
      UNION ALL
      SELECT node.id, node.parent
      FROM path JOIN node ON node.conversation = $conversation AND node.id = path.parent
    )
    SELECT ${NODE_COLUMNS}
    FROM path JOIN node ON node.conversation = $conversation AND node.id = path.id
    ORDER BY depth`);
  const one = db.prepare<NodeRow, [string, string]>(
    `SELECT ${NODE_COLUMNS} FROM node WHERE conversation = ? AND id = ?`,
  );

  /** From the head to the first node whose path is known; null where that is too far. */
  function knownPath(conversation: string, head: string): ConversationNode[] | null {
    const fresh: ConversationNode[] = [];
    for (let id: string | null = head; id !== null && fresh.length < FRESH_NODES;) {
      const row = one.get(conversation, id);
      if (row === null) return [];
      const node = toNode(row);
      const known = cache.upTo(conversation, node);
      if (known !== null) return [...known, ...fresh.toReversed()];
      fresh.push(node);
      id = node.parent;
    }
    return null;
  }

  return (conversation, head) => {
    const path = knownPath(conversation, head) ?? select.all({ conversation, head }).map(toNode);
    if (path.length === 0) cache.forget(conversation);
    else cache.keep(conversation, path);
    return path;
  };
}

function createTurnReader(db: Database): Reader['turn'] {
  const select = db.prepare<TurnRow, { id: string; owner: string; userId: string | null }>(`
    SELECT * FROM turn WHERE id = $id AND EXISTS (
      SELECT 1 FROM conversation WHERE conversation.id = turn.conversation AND ${IN_SCOPE})`);
  return (scope, id) => {
    const row = select.get({ id, owner: scope.owner, userId: scope.userId });
    return row === null ? null : toTurn(row);
  };
}

function createKeyReader(db: Database): Reader['turnWithKey'] {
  const select = db.prepare<TurnRow, [string, string]>(
    'SELECT * FROM turn WHERE owner = ? AND idempotency_key = ?',
  );
  return (owner, key) => {
    const row = select.get(owner, key);
    return row === null ? null : toTurn(row);
  };
}

function createSealingReader(db: Database): Reader['turnSealing'] {
  const select = db.prepare<TurnRow, [string, string]>(
    'SELECT * FROM turn WHERE conversation = ? AND output_node = ?',
  );
  return (conversation, node) => {
    const row = select.get(conversation, node);
    return row === null ? null : toTurn(row);
  };
}

function createLister(db: Database): Reader['list'] {
  const count = db.prepare<{ total: number }, { owner: string; userId: string | null }>(
    `SELECT count(*) AS total FROM conversation WHERE ${IN_SCOPE}`,
  );
  const page = db.prepare<ConversationRow, Record<string, string | number | null>>(
    `${SELECT_CONVERSATION} WHERE ${IN_SCOPE} ${NEWEST_FIRST} LIMIT $limit OFFSET $offset`,
  );
  const these = db.prepare<ConversationRow, { ids: string }>(`
    ${SELECT_CONVERSATION}
    WHERE conversation.id IN (SELECT value FROM json_each($ids)) ${NEWEST_FIRST}`);
  const search = createSearch(db);
  // The count and the page have to be of the same moment.
  const all = db.transaction((scope: Params, limit: number, offset: number) => ({
    total: count.get(scope)?.total ?? 0,
    items: page.all({ ...scope, limit, offset }).map((row) => toConversation(row)),
  }));
  return async (scope, { query, limit, offset }) => {
    const terms = termsOf(query);
    if (terms.length === 0) {
      return all({ owner: scope.owner, userId: scope.userId }, limit, offset);
    }
    const found = await search(scope, terms);
    const ids = JSON.stringify(found.slice(offset, offset + limit));
    return { total: found.length, items: these.all({ ids }).map((row) => toConversation(row)) };
  };
}

interface Params {
  owner: string;
  userId: string | null;
}

const NEWEST_FIRST = 'ORDER BY conversation.last_used_at DESC, conversation.id DESC';
