// A turn as clients see it: by itself, and beside the messages of all branches.
import type { Turn } from '../../conversations/turn.ts';
import type { ShownTurn } from './turn-shapes.ts';

export function shownTurn(turn: Turn): ShownTurn {
  const { usage } = turn;
  const seconds = (ms: number | null) => (ms === null ? null : Math.floor(ms / 1000));
  return {
    id: turn.id,
    object: 'turn',
    conversation_id: turn.conversationId,
    status: turn.status,
    parent: turn.parentNode,
    input_node: turn.inputNode,
    output_node: turn.outputNode,
    upstream: turn.upstream,
    upstream_model: turn.upstreamModel,
    finish_reason: turn.finishReason,
    error_code: turn.errorCode,
    usage: {
      prompt_tokens: usage.promptTokens,
      completion_tokens: usage.completionTokens,
      cached_tokens: usage.cachedTokens,
      expected_cached_tokens: turn.expectedCachedTokens,
      prefix_break: turn.prefixBreak,
    },
    ttft_ms: turn.ttftMs,
    // From acceptance, as ttft_ms: the two tell how fast the answer came.
    duration_ms: turn.endedAt === null ? null : turn.endedAt - turn.createdAt,
    created_at: seconds(turn.createdAt),
    started_at: seconds(turn.startedAt),
    ended_at: seconds(turn.endedAt),
  };
}
