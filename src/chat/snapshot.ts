// The events of a turn are kept for days, its answer for good. After that, one chunk with the whole answer stands for
// all of them.
import type { ConversationNode } from '../conversations/conversation.ts';
import type { Turn } from '../conversations/turn.ts';
import type { Frame } from './turn-follower.ts';

/** Follows every seq that a client can have seen. */
export const SNAPSHOT_SEQ = Number.MAX_SAFE_INTEGER;

/** A chat.completion.chunk that holds the whole answer; the marks in `output`'s wire are filled. */
export function snapshotFrame(turn: Turn, output: ConversationNode, model: string): Frame {
  const message = JSON.parse(output.wire) as Record<string, unknown>;
  const extra = output.extra === null ? {} : (JSON.parse(output.extra) as object);
  const calls = Array.isArray(message['tool_calls'])
    ? { tool_calls: message['tool_calls'].map((call: object, index) => ({ index, ...call })) }
    : {};
  const { promptTokens, completionTokens, cachedTokens } = turn.usage;
  const usage =
    promptTokens === null || completionTokens === null
      ? {}
      : {
          usage: {
            prompt_tokens: promptTokens,
            completion_tokens: completionTokens,
            total_tokens: promptTokens + completionTokens,
            ...promptDetails(cachedTokens, turn.expectedCachedTokens),
          },
        };
  const chunk = {
    id: `chatcmpl-${turn.id}`,
    object: 'chat.completion.chunk',
    created: Math.floor(turn.createdAt / 1000),
    model,
    choices: [
      { index: 0, delta: { ...message, ...calls, ...extra }, finish_reason: turn.finishReason },
    ],
    ...usage,
  };
  return { seq: SNAPSHOT_SEQ, json: JSON.stringify(chunk) };
}

function promptDetails(cached: number | null, expected: number | null) {
  const details = {
    ...(cached === null ? {} : { cached_tokens: cached }),
    ...(expected ? { expected_cached_tokens: expected } : {}),
  };
  return Object.keys(details).length === 0 ? {} : { prompt_tokens_details: details };
}
