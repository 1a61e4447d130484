// Taking an archive in. What it claims has been checked by whoever read it (conversations/archive-lines.ts); here it
// is made sure only that it can touch nothing beyond itself.
import type { Database } from 'bun:sqlite';
import type { Blob, Conversation, Scope } from '../conversations/conversation.ts';
import type { ConversationArchive } from '../conversations/store.ts';
import { isTerminal } from '../conversations/turn.ts';
import type { Turn } from '../conversations/turn.ts';
import type { SearchIndex } from './search-index.ts';
import { createEpochWriter } from './write-accept.ts';
import { createNodeWriter } from './write-nodes.ts';
import type { ConversationRestore } from './writer-protocol.ts';

export interface RestoreTools {
  readonly search: SearchIndex;
  readonly lease: string;
}

export function createRestore(
  db: Database,
  { search, lease }: RestoreTools,
): (restore: ConversationRestore) => boolean {
  const isTaken = createTakenTest(db);
  const addConversation = createConversationWriter(db);
  const addEpoch = createEpochWriter(db);
  const addNodes = createNodeTreeWriter(db);
  const addTurn = createTurnWriter(db, lease);
  return ({ scope, archive }) => {
    if (isTaken(archive)) return false;
    const { conversation, epochs, turns } = archive;
    addConversation(scope, conversation);
    for (const epoch of epochs) addEpoch(conversation.id, epoch);
    addNodes(archive);
    for (const turn of turns) addTurn(scope, conversation.id, turn);
    if (conversation.head !== null) {
      search.follow({ conversation: conversation.id, from: null, to: conversation.head });
    }
    return true;
  };
}

/** Ids are everybody's: also a turn's, which an archive that somebody changed could share with another conversation. */
function createTakenTest(db: Database): (archive: ConversationArchive) => boolean {
  const conversation = db.prepare<unknown, [string]>('SELECT 1 FROM conversation WHERE id = ?');
  const turns = db.prepare<unknown, [string]>(
    'SELECT 1 FROM turn WHERE id IN (SELECT value FROM json_each(?)) LIMIT 1',
  );
  return (archive) =>
    conversation.get(archive.conversation.id) !== null ||
    turns.get(JSON.stringify(archive.turns.map(({ id }) => id))) !== null;
}

/** Nobody knows any more who gave the title; a person's is the one that must not be lost. */
function createConversationWriter(
  db: Database,
): (scope: Scope, conversation: Conversation) => void {
  const insert = db.prepare<null, Record<string, string | number | null>>(`
    INSERT INTO conversation
      (id, owner, user_id, title, title_by, head, epoch, rev, metadata, created_at, last_used_at)
    VALUES
      ($id, $owner, $userId, $title, $titleBy, $head, $epoch, $rev, $metadata, $createdAt,
       $lastUsedAt)`);
  return (scope, { id, title, head, epoch, rev, metadata, createdAt, lastUsedAt }) =>
    void insert.run({
      id,
      owner: scope.owner,
      userId: scope.userId,
      title,
      titleBy: title === null ? 'message' : 'person',
      head,
      epoch: epoch.id,
      rev,
      metadata: JSON.stringify(metadata),
      createdAt,
      lastUsedAt,
    });
}

function createNodeTreeWriter(db: Database): (archive: ConversationArchive) => void {
  const add = createNodeWriter(db);
  return (archive) => {
    const { conversation, nodes } = archive;
    const blobs = new Map(archive.blobs.map((blob) => [blob.sha256, blob]));
    const shownBy = (hashes: readonly string[]): Blob[] =>
      hashes.map((hash) => {
        const blob = blobs.get(hash);
        // The store may have it, but then it is somebody else's.
        if (blob === undefined) throw new Error(`the archive lacks the image ${hash}`);
        return blob;
      });
    const epochs = epochsOfNodes(archive);
    for (const node of nodes) {
      add({
        conversation: conversation.id,
        epoch: epochs.get(node.id) ?? '',
        nodes: [node],
        parent: node.parent,
        blobs: shownBy(node.blobs),
      });
    }
  };
}

/** A node's epoch is that of the turn which made it; where no turn is known, as in a fork, that of what it follows. */
function epochsOfNodes({
  conversation,
  epochs,
  nodes,
  turns,
}: ConversationArchive): ReadonlyMap<string, string> {
  const parents = new Map(nodes.map(({ id, parent }) => [id, parent]));
  const made = new Map<string, string>();
  for (const { inputNode, outputNode, parentNode, epochId } of turns) {
    if (outputNode !== null) made.set(outputNode, epochId);
    let node: string | null = inputNode;
    while (node !== null && node !== parentNode && !made.has(node)) {
      made.set(node, epochId);
      node = parents.get(node) ?? null;
    }
  }
  const first = epochs[0]?.id ?? conversation.epoch.id;
  const all = new Map<string, string>();
  for (const { id, parent } of nodes) {
    all.set(id, made.get(id) ?? all.get(parent ?? '') ?? first);
  }
  return all;
}

/** A key that has made another turn since goes on meaning that one. */
function createTurnWriter(
  db: Database,
  lease: string,
): (scope: Scope, conversation: string, turn: Turn) => void {
  const insert = db.prepare<null, Record<string, string | number | null>>(`
    INSERT INTO turn
      (id, conversation, owner, epoch, parent_node, input_node, output_node, status,
       idempotency_key, request_fingerprint, upstream, upstream_model, finish_reason, error_code,
       error_status, error_retry_after_ms, prompt_tokens, completion_tokens, cached_tokens,
       expected_cached_tokens, prefix_break, ttft_ms, created_at, started_at, ended_at, lease)
    VALUES
      ($id, $conversation, $owner, $epochId, $parentNode, $inputNode, $outputNode, $status,
       (SELECT $idempotencyKey WHERE NOT EXISTS (
          SELECT 1 FROM turn WHERE owner = $owner AND idempotency_key = $idempotencyKey)),
       $requestFingerprint, $upstream, $upstreamModel, $finishReason, $errorCode,
       $errorStatus, $errorRetryAfterMs, $promptTokens, $completionTokens, $cachedTokens,
       $expectedCachedTokens, $prefixBreak, $ttftMs,
       $createdAt, $startedAt, $endedAt, $lease)`);
  return ({ owner }, conversation, archived) => {
    const { usage, errorReply, conversationId: _conversation, ...turn } = archived;
    if (!isTerminal(turn.status)) throw new Error(`the archive's turn ${turn.id} has not ended`);
    insert.run({
      ...turn,
      ...usage,
      errorStatus: errorReply?.status ?? null,
      errorRetryAfterMs: errorReply?.retryAfterMs ?? null,
      conversation,
      owner,
      lease,
    });
  };
}
