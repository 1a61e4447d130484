// Some servers stream although a whole reply was asked for. The client gets what it asked for: the chunks put together.
import type { Usage } from '../domain/message.ts';
import { isObject } from '../json/document.ts';
import { MAX_REPLY_BYTES } from '../domain/limits.ts';
import { protocolError } from './failure.ts';
import { withCalls, withMore, type CollectedCalls } from './merge-delta.ts';
import type { ChatEvent, ChunkChoice, Completion } from './provider.ts';
import { wholeChoice } from './whole-choice.ts';

/** Reads the stream to its end; throws as it does, and when the whole exceeds what a reply may be. */
export async function streamAsCompletion(
  events: AsyncIterable<readonly ChatEvent[]>,
  upstream: string,
): Promise<Completion> {
  const choices = new Map<number, CollectedChoice>();
  let rest: Readonly<Record<string, unknown>> = {};
  let usage: Usage | null = null;
  let size = 0;
  for await (const batch of events) {
    for (const event of batch) {
      if (event.kind !== 'chunk') continue;
      size += event.json.length;
      if (size > MAX_REPLY_BYTES)
        throw protocolError(upstream, 'sent a reply beyond the size limit');
      const { choices: more = [], usage: told, ...others } = event.chunk;
      rest = { ...rest, ...withoutNothing(others) };
      usage = told ?? usage;
      for (const choice of more) {
        const index = choice.index ?? 0;
        choices.set(index, withDelta(choices.get(index) ?? NOTHING, choice));
      }
    }
  }
  const inOrder = [...choices].toSorted(([a], [b]) => a - b);
  return {
    ...rest,
    object: 'chat.completion',
    choices: inOrder.map(([index, choice]) => wholeChoice(putTogether(index, choice))),
    ...(usage === null ? {} : { usage }),
  };
}

/** Azure sends chunks whose id, model and time are empty: those of the others count. */
function withoutNothing(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== '' && value !== 0 && value !== null),
  );
}

interface CollectedChoice extends CollectedCalls {
  readonly message: Readonly<Record<string, unknown>>;
  readonly logprobs: Readonly<Record<string, unknown>> | null;
  readonly finishReason: string | null;
  /** What engines add to a choice: stop_reason, native_finish_reason, content_filter_results, … */
  readonly rest: Readonly<Record<string, unknown>>;
}

const NOTHING: CollectedChoice = {
  message: {},
  toolCalls: [],
  toolIndexes: [],
  logprobs: null,
  finishReason: null,
  rest: {},
};

function withDelta(known: CollectedChoice, choice: ChunkChoice): CollectedChoice {
  const { index: _, delta, finish_reason, message: __, ...others } = choice;
  const { logprobs, ...rest } = others as Readonly<Record<string, unknown>>;
  // The role is said once, or with every delta: it is no text to be joined.
  const { tool_calls, role: ___, ...members } = delta ?? {};
  return {
    ...withCalls(known, tool_calls),
    message: withMore(known.message, members),
    logprobs: isObject(logprobs) ? withMore(known.logprobs ?? {}, logprobs) : known.logprobs,
    finishReason: known.finishReason ?? finish_reason ?? null,
    rest: { ...known.rest, ...rest },
  };
}

function putTogether(index: number, choice: CollectedChoice): ChunkChoice {
  const { message, toolCalls, logprobs, finishReason, rest } = choice;
  const { content = toolCalls.length > 0 ? null : '', ...others } = message;
  const said = content === '' && toolCalls.length > 0 ? null : content;
  const calls = toolCalls.length === 0 ? {} : { tool_calls: toolCalls };
  return {
    index,
    message: { role: 'assistant', content: said, ...others, ...calls },
    ...(logprobs === null ? {} : { logprobs }),
    finish_reason: finishReason,
    ...rest,
  };
}
