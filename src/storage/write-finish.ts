// What follows acceptance: the turn starts, its events are kept, and it ends once. The conversation's head, and with
// it the epoch, moves here and nowhere else.
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

export function createAppend(db: Database): (events: readonly TurnEvent[]) => void {
  // Nothing for a turn that was removed; nothing new for an event that a failed commit had kept after all.
  const insert = db.prepare<null, { turnId: string; seq: number; payload: string }>(`
    INSERT INTO turn_event (turn, seq, payload)
    SELECT $turnId, $seq, $payload WHERE EXISTS (SELECT 1 FROM turn WHERE id = $turnId)
    ON CONFLICT DO NOTHING`);
  return (events) => {
    for (const { turnId, seq, payload } of events) insert.run({ turnId, seq, payload });
  };
}

interface OpenTurn {
  conversation: string;
  epoch: string;
  parent_node: string | null;
  input_node: string;
}

export function createFinish(db: Database, search: SearchIndex): (turn: FinishTurn) => boolean {
  const open = db.prepare<OpenTurn, [string]>(`
    SELECT conversation, epoch, parent_node, input_node
    FROM turn WHERE id = ? AND status IN ('accepted', 'streaming')`);
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
    const { conversation, input_node: inputNode } = found;
    const { output } = turn;
    if (output !== undefined) {
      // History never holds a half answer; what there was of it is in the events.
      if (turn.status === 'failed') throw new Error(`failed turn ${turn.turnId} has an answer`);
      addNodes({ conversation, nodes: [output], parent: inputNode, blobs: turn.blobs });
      moveHead.run(output.id, found.epoch, conversation);
      search.add({ conversation, head: output.id, until: found.parent_node });
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
      error_code = $errorCode, prompt_tokens = $promptTokens,
      completion_tokens = $completionTokens, cached_tokens = $cachedTokens,
      ttft_ms = $ttftMs, ended_at = $endedAt
    WHERE id = $id`);
  return (turn) =>
    void update.run({
      id: turn.turnId,
      status: turn.status,
      outputNode: turn.output?.id ?? null,
      finishReason: turn.finishReason,
      errorCode: turn.errorCode,
      promptTokens: turn.usage.promptTokens,
      completionTokens: turn.usage.completionTokens,
      cachedTokens: turn.usage.cachedTokens,
      ttftMs: turn.ttftMs,
      endedAt: turn.endedAt,
    });
}
