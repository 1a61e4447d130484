// Accepting a turn: the one place that decides who may speak. The checks and the rows are in one transaction, and
// the unique indexes hold even if a check here were wrong.
import type { Database } from 'bun:sqlite';
import type { Epoch } from '../conversations/conversation.ts';
import type { AcceptOutcome, AcceptTurn } from '../conversations/store.ts';
import type { Untouched } from './untouched.ts';
import { createNodeWriter } from './write-nodes.ts';

export function createAccept(
  db: Database,
  { lease, untouched }: { readonly lease: string; readonly untouched: Untouched },
): (turn: AcceptTurn) => AcceptOutcome {
  const refusal = createRefusal(db, untouched);
  const open = createOpening(db);
  const addNodes = createNodeWriter(db);
  const addEpoch = createEpochWriter(db);
  const addTurn = createTurnWriter(db, lease);
  const current = db.prepare<{ epoch: string }, [string]>(
    'SELECT epoch FROM conversation WHERE id = ?',
  );

  return (turn) => {
    const refused = refusal(turn);
    if (refused !== null) return refused;
    assertAnswerable(turn);
    const rev = open(turn);
    const { conversationId: conversation, input: nodes, parentNode: parent, blobs } = turn;
    if (turn.epoch !== undefined) addEpoch(conversation, turn.epoch);
    const epoch = turn.epoch?.id ?? current.get(conversation)?.epoch ?? '';
    addNodes({ conversation, epoch, nodes, parent, blobs });
    addTurn(turn, epoch);
    untouched.note(turn.turnId, { id: conversation, rev });
    return { outcome: 'accepted' };
  };
}

/** In this order: a repeated request must find its turn also while it runs or after the head moved on. */
function createRefusal(
  db: Database,
  untouched: Untouched,
): (turn: AcceptTurn) => AcceptOutcome | null {
  const byKey = db.prepare<
    { id: string; user_id: string | null; request_fingerprint: string },
    [string, string]
  >(`
    SELECT turn.id, conversation.user_id, request_fingerprint
    FROM turn JOIN conversation ON conversation.id = turn.conversation
    WHERE turn.owner = ? AND idempotency_key = ?`);
  const byId = db.prepare<
    { owner: string; user_id: string | null; head: string | null; rev: number },
    [string]
  >('SELECT owner, user_id, head, rev FROM conversation WHERE id = ?');
  const active = db.prepare<{ id: string }, [string]>(
    "SELECT id FROM turn WHERE conversation = ? AND status IN ('accepted', 'streaming')",
  );
  return (turn) => {
    const { scope } = turn;
    if (turn.idempotencyKey !== null) {
      const made = byKey.get(scope.owner, turn.idempotencyKey);
      if (made !== null) {
        // Another user's key says nothing about their turn.
        return made.request_fingerprint === turn.requestFingerprint && made.user_id === scope.userId
          ? { outcome: 'repeated', turnId: made.id }
          : { outcome: 'key_reused' };
      }
    }
    const found = byId.get(turn.conversationId);
    if (found === null) return turn.create === undefined ? { outcome: 'not_found' } : null;
    if (found.owner !== scope.owner || found.user_id !== scope.userId) {
      return { outcome: 'not_found' };
    }
    const running = active.get(turn.conversationId);
    if (running !== null) return { outcome: 'busy', turnId: running.id };
    const { after, conversationId: id } = turn;
    if (after !== undefined && !untouched.isSince(after, { id, rev: found.rev })) {
      return { outcome: 'outdated' };
    }
    if (turn.create !== undefined || found.head !== turn.head) {
      return { outcome: 'head_moved', head: found.head };
    }
    return null;
  };
}

/** Whether the nodes are there, and in this conversation, is for the foreign keys to say. */
function assertAnswerable({ turnId, input, parentNode, inputNode }: AcceptTurn): void {
  const answered = input.at(-1)?.id ?? parentNode;
  if (inputNode !== answered) {
    throw new Error(`turn ${turnId} answers ${inputNode}, where ${answered} is what it asks`);
  }
}

/**
 * Creates the conversation, or notes that it is used; answers with its `rev`. The head moves only when the turn's answer
 * is sealed.
 */
function createOpening(db: Database): (turn: AcceptTurn) => number {
  const insert = db.prepare<
    null,
    {
      id: string;
      owner: string;
      userId: string | null;
      title: string | null;
      epoch: string;
      now: number;
    }
  >(`
    INSERT INTO conversation (id, owner, user_id, title, epoch, created_at, last_used_at)
    VALUES ($id, $owner, $userId, $title, $epoch, $now, $now)`);
  const touch = db.prepare<{ rev: number }, [number, string]>(`
    UPDATE conversation SET rev = rev + 1, last_used_at = max(last_used_at, ?) WHERE id = ?
    RETURNING rev`);
  return ({ create, epoch, scope, conversationId: id, createdAt: now }) => {
    if (create === undefined) return touch.get(now, id)?.rev ?? 0;
    if (epoch === undefined) throw new Error(`conversation ${id} opens without an epoch`);
    insert.run({ id, ...scope, title: create.title, epoch: epoch.id, now });
    return 1;
  };
}

export function createEpochWriter(db: Database): (conversation: string, epoch: Epoch) => void {
  const insert = db.prepare<null, [string, string, number, string, string]>(
    'INSERT INTO epoch (conversation, id, ordinal, profile, reason) VALUES (?, ?, ?, ?, ?)',
  );
  return (conversation, { id, ordinal, profile, reason }) =>
    void insert.run(conversation, id, ordinal, JSON.stringify(profile), reason);
}

function createTurnWriter(db: Database, lease: string): (turn: AcceptTurn, epoch: string) => void {
  const insert = db.prepare<null, Record<string, string | number | null>>(`
    INSERT INTO turn
      (id, conversation, owner, epoch, parent_node, input_node, status, idempotency_key,
       request_fingerprint, expected_cached_tokens, created_at, lease)
    VALUES
      ($id, $conversation, $owner, $epoch, $parentNode, $inputNode, 'accepted', $idempotencyKey,
       $requestFingerprint, $expectedCachedTokens, $createdAt, $lease)`);
  return (turn, epoch) =>
    void insert.run({
      id: turn.turnId,
      conversation: turn.conversationId,
      owner: turn.scope.owner,
      epoch,
      parentNode: turn.parentNode,
      inputNode: turn.inputNode,
      idempotencyKey: turn.idempotencyKey,
      requestFingerprint: turn.requestFingerprint,
      expectedCachedTokens: turn.expectedCachedTokens,
      createdAt: turn.createdAt,
      lease,
    });
}
