// Builds the whole answer from a stream's chunks: what /c1 seals, stores and replies with. Members that the gateway
// does not know are kept.
import type { Usage } from '../domain/message.ts';
import { withCalls, withMore, type CollectedCalls } from '../providers/merge-delta.ts';
import type { Completion } from '../providers/provider.ts';
import type { Blob } from '../conversations/conversation.ts';
import { GatewayError } from '../domain/errors.ts';
import { markImages, wellFormedJson, type MarkedContent } from '../prompt/blob-mark.ts';
import { wholeReasoning } from '../prompt/replay.ts';
import type { NewNode } from '../conversations/node.ts';

/** An answer as far as it has come. Only choice 0 counts: /c1 asks for one. */
export interface Answer extends CollectedCalls {
  readonly id: string | null;
  readonly created: number | null;
  /** Members of the message beside role, content and tool_calls: reasoning, images, refusal, … */
  readonly extra: Readonly<Record<string, unknown>>;
  readonly content: string;
  readonly finishReason: string | null;
  readonly usage: Usage | null;
  /** Top-level members that an upstream adds: timings, provider, system_fingerprint, … */
  readonly rest: Readonly<Record<string, unknown>>;
}

export const EMPTY_ANSWER: Answer = {
  id: null,
  created: null,
  extra: {},
  content: '',
  toolCalls: [],
  toolIndexes: [],
  finishReason: null,
  usage: null,
  rest: {},
};

/** The answer with one more chunk taken in. */
export function withChunk(answer: Answer, chunk: Completion): Answer {
  const { id, created, choices = [], usage, object: _, model: __, ...rest } = chunk;
  const choice = choices.find(({ index = 0 }) => index === 0);
  const delta = choice?.delta ?? {};
  const { role: ___, content, tool_calls, ...extra } = delta;
  return {
    ...answer,
    // Azure's first chunk has members without anything in them.
    id: answer.id ?? (id || null),
    created: answer.created ?? (typeof created === 'number' && created > 0 ? created : null),
    extra: withMore(answer.extra, extra),
    content: typeof content === 'string' ? answer.content + content : answer.content,
    ...withCalls(answer, tool_calls),
    // Some engines say it again, or say it late: the first one counts.
    finishReason: answer.finishReason ?? choice?.finish_reason ?? null,
    usage: usage ?? answer.usage,
    rest: { ...answer.rest, ...rest },
  };
}

/** Whether there is anything that a person has seen. */
export function isVisible(answer: Answer): boolean {
  return answer.content !== '' || answer.toolCalls.length > 0 || 'images' in answer.extra;
}

/** The message to seal: role, content and tool calls go upstream again, the rest is kept beside it. */
export function answerNode(answer: Answer, createdAt: number): NewSealedAnswer {
  const { images, ...extra } = wholeExtra(answer);
  const drawn = drawnImages(images);
  const message = {
    role: 'assistant',
    content: answer.content === '' && answer.toolCalls.length > 0 ? null : answer.content,
    ...(answer.toolCalls.length > 0 ? { tool_calls: answer.toolCalls } : {}),
  };
  const wire = wellFormedJson(message);
  return {
    node: {
      role: 'assistant',
      // A picture has to be in the prompt of the turn that asks for a change of it.
      wire: drawn === null ? wire : `${wire.slice(0, -1)},"images":${drawn.json}}`,
      extra: Object.keys(extra).length === 0 ? null : wellFormedJson(extra),
      text: answer.content.toWellFormed(),
      blobs: drawn?.blobs.map(({ sha256 }) => sha256) ?? [],
      createdAt,
    },
    blobs: drawn?.blobs ?? [],
  };
}

export interface NewSealedAnswer {
  readonly node: NewNode;
  readonly blobs: readonly Blob[];
}

/** The pictures of an answer as blobs; those of a kind that the gateway does not know stay in the message as they are. */
function drawnImages(images: unknown): MarkedContent | null {
  if (!Array.isArray(images) || images.length === 0) return null;
  try {
    return markImages(images, 'images');
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { json: wellFormedJson(images), blobs: [] };
  }
}

/** The answer as a chat.completion, with what /c1 adds. */
export function answerCompletion(
  answer: Answer,
  { alias, conversationId, turnId }: { alias: string; conversationId: string; turnId: string },
): string {
  const { content, toolCalls } = answer;
  const message = {
    role: 'assistant',
    content: content === '' && toolCalls.length > 0 ? null : content,
    refusal: null,
    ...(toolCalls.length > 0 ? { tool_calls: toolCalls } : {}),
    ...wholeExtra(answer),
  };
  return JSON.stringify({
    id: answer.id ?? `chatcmpl-${turnId}`,
    object: 'chat.completion',
    created: answer.created ?? 0,
    model: alias,
    // OpenAI's type wants `refusal` and `logprobs`, if only as null.
    choices: [{ index: 0, message, logprobs: null, finish_reason: answer.finishReason }],
    ...(answer.usage ? { usage: answer.usage } : {}),
    ...answer.rest,
    conversation_id: conversationId,
    turn_id: turnId,
  });
}

/** What a stream added to the message, its fragments of reasoning put together. */
function wholeExtra({ extra }: Answer): Readonly<Record<string, unknown>> {
  const { reasoning_details: details } = extra;
  return Array.isArray(details) ? { ...extra, reasoning_details: wholeReasoning(details) } : extra;
}
