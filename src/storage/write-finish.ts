// What follows acceptance: the turn starts, its events are kept, and it ends once. The conversation's head, and with
// it the epoch, moves here, and in write-branch.ts when somebody says so.
import type { Database } from 'bun:sqlite';
import type { FinishTurn, StartTurn, TurnEvent } from '../conversations/store.ts';
import type { SearchIndex } from './search-index.ts';
import { createNodeWriter } from './write-nodes.ts';

export function createStart(db: Database): (turn: StartTurn) => void {
  const update = db.prepare<null, [string, string, number, string]>(`
    UPDATE turn SET status = 'streaming', upstream = ?, upstream_model = ?, started_at = ?
    WHERE id = ? AND status = 'accepted'`);
  return ({ turnId, upstream, upstreamModel, startedAt }) =>
    void update.run(upstream, upstreamModel, startedAt, turnId);
}

export function createAppend(db: Database): (events: readonly TurnEvent[]) => boolean {
  const open = db.prepare<unknown, [string]>(
    "SELECT 1 FROM turn WHERE id = ? AND status IN ('accepted', 'streaming')",
  );
  // Nothing new for an event that a failed commit had kept after all.
  const insert = db.prepare<null, { turnId: string; seq: number; payload: string }>(`
    INSERT INTO turn_event (turn, seq, payload) VALUES ($turnId, $seq, $payload)
    ON CONFLICT DO NOTHING`);
  return (events) => {
    const turns = new Set(events.map(({ turnId }) => turnId));
    const closed = new Set([...turns].filter((turnId) => open.get(turnId) === null));
    for (const { turnId, seq, payload } of events) {
      if (!closed.has(turnId)) insert.run({ turnId, seq, payload });
    }
    return closed.size === 0;
  };
}

/** One call removes so many events, and the rest of the last turn's: half of a turn's would be a stream with a gap. */
const COLLECTED_AT_ONCE = 5_000;

export function createCollect(db: Database): (input: { readonly endedBefore: number }) => number {
  // Turn by turn, not event by event: most are passed over.
  const next = db.prepare<{ id: string | null }, [string]>(
    'SELECT min(turn) AS id FROM turn_event WHERE turn > ?',
  );
  const ended = db.prepare<unknown, [string, number]>(
    'SELECT 1 FROM turn WHERE id = ? AND ended_at < ?',
  );
  const drop = db.prepare<null, [string]>('DELETE FROM turn_event WHERE turn = ?');
  return ({ endedBefore }) => {
    let collected = 0;
    let turn = next.get('')?.id ?? null;
    while (turn !== null && collected < COLLECTED_AT_ONCE) {
      if (ended.get(turn, endedBefore) !== null) collected += drop.run(turn).changes;
      turn = next.get(turn)?.id ?? null;
    }
    return collected;
  };
}

interface OpenTurn {
  conversation: string;
  epoch: string;
  input_node: string;
  head: string | null;
}

export function createFinish(db: Database, search: SearchIndex): (turn: FinishTurn) => boolean {
  // No join: it takes four times as long, 25 µs between other work.
  const open = db.prepare<OpenTurn, [string]>(`
    SELECT
      conversation, epoch, input_node,
      (SELECT head FROM conversation WHERE conversation.id = turn.conversation) AS head
    FROM turn WHERE id = ? AND status IN ('accepted', 'streaming')`);
  const later = db.prepare<unknown, [string, number]>(
    'SELECT 1 FROM turn_event WHERE turn = ? AND seq > ? LIMIT 1',
  );
  const end = createEnding(db);
  const addNodes = createNodeWriter(db);
  const moveHead = db.prepare<null, [string, string, string]>(
    'UPDATE conversation SET head = ?, epoch = ? WHERE id = ?',
  );
  const touch = db.prepare<null, [number, string]>(
    'UPDATE conversation SET rev = rev + 1, last_used_at = max(last_used_at, ?) WHERE id = ?',
  );
  return (turn) => {
    const found = open.get(turn.turnId);
    if (found === null) return false;
    const { lastSeq } = turn;
    if (lastSeq !== undefined && later.get(turn.turnId, lastSeq) !== null) return false;
    const { conversation, epoch, input_node: inputNode, head } = found;
    const { output } = turn;
    if (output !== undefined) {
      // History never holds a half answer; what there was of it is in the events.
      if (turn.status === 'failed') throw new Error(`failed turn ${turn.turnId} has an answer`);
      addNodes({ conversation, epoch, nodes: [output], parent: inputNode, blobs: turn.blobs });
      moveHead.run(output.id, epoch, conversation);
      search.follow({ conversation, from: head, to: output.id });
    }
    end(turn);
    touch.run(turn.endedAt, conversation);
    return true;
  };
}

function createEnding(db: Database): (turn: FinishTurn) => void {
  const update = db.prepare<null, Record<string, string | number | null>>(`
    UPDATE turn SET
      status = $status, output_node = $outputNode, finish_reason = $finishReason,
      error_code = $errorCode, error_status = $errorStatus,
      error_retry_after_ms = $errorRetryAfterMs, prompt_tokens = $promptTokens,
      completion_tokens = $completionTokens, cached_tokens = $cachedTokens,
      prefix_break = $prefixBreak,
      ttft_ms = $ttftMs, ended_at = $endedAt
    WHERE id = $id`);
  return (turn) =>
    void update.run({
      id: turn.turnId,
      status: turn.status,
      outputNode: turn.output?.id ?? null,
      finishReason: turn.finishReason,
      errorCode: turn.errorCode,
      errorStatus: turn.errorReply?.status ?? null,
      errorRetryAfterMs: turn.errorReply?.retryAfterMs ?? null,
      promptTokens: turn.usage.promptTokens,
      completionTokens: turn.usage.completionTokens,
      cachedTokens: turn.usage.cachedTokens,
      prefixBreak: turn.prefixBreak ?? null,
      ttftMs: turn.ttftMs,
      endedAt: turn.endedAt,
    });
}
