// One completion from admission to usage: looks the prompt up in the prefix cache, hands out the choices' deltas,
// and enters what was generated into the cache when it ends, whether it ran to its end or was left.

import { newId } from '../domain/ids.ts';
import { type Delta, type FinishReason, generate, type Reply } from './generate.ts';
import type { JsonObject } from './json.ts';
import type { PrefixCache } from './prefix-cache.ts';
import type { ChatRequest } from './request.ts';
import { ANSWER_END, renderPrompt } from './template.ts';

/** The members that every chunk of a completion, and the completion as a whole, have in common. */
interface CompletionHead {
  readonly id: string;
  readonly created: number;
  readonly model: string;
}

/** What a choice says next: a delta, or that it has ended. */
export interface ChoiceEvent {
  readonly index: number;
  readonly delta: Delta;
  readonly finishReason: FinishReason | null;
}

export interface Completion {
  readonly head: CompletionHead;
  /** One token of each choice per round. Leaving it early is what cancels the completion. */
  rounds(): Generator<ChoiceEvent[], void>;
  /** Counts what was generated up to now. */
  usage(): JsonObject;
}

export function createCompletion(
  request: ChatRequest,
  reply: Reply,
  cache: PrefixCache,
): Completion {
  const prompt = renderPrompt(request);
  const scope = JSON.stringify([request.model, request.cacheSalt]);
  const { cachedTokens, prefix } = cache.admit(prompt, scope);
  const generated = Array.from({ length: request.choices }, (): string[] => []);

  function settle(ended: boolean): void {
    for (const tokens of generated) {
      cache.settle(prefix, ended ? [...tokens, ...ANSWER_END] : tokens);
    }
  }

  return {
    head: {
      id: newId('chatcmpl-'),
      created: Math.floor(Date.now() / 1000),
      model: request.model,
    },
    *rounds() {
      let ended = false;
      try {
        let live = generated.map((tokens, index) => ({
          index,
          events: generate(reply, request, tokens),
        }));
        while (live.length > 0) {
          const round = live.map(({ index, events }) => nextEvent(index, events));
          yield round;
          live = live.filter((_, at) => round[at]?.finishReason === null);
        }
        ended = true;
      } finally {
        settle(ended);
      }
    },
    usage() {
      const completionTokens = generated.reduce((sum, tokens) => sum + tokens.length, 0);
      return {
        prompt_tokens: prompt.length,
        completion_tokens: completionTokens,
        total_tokens: prompt.length + completionTokens,
        prompt_tokens_details: { cached_tokens: cachedTokens },
      };
    },
  };
}

function nextEvent(index: number, events: Generator<Delta, FinishReason>): ChoiceEvent {
  const next = events.next();
  return next.done === true
    ? { index, delta: {}, finishReason: next.value }
    : { index, delta: next.value, finishReason: null };
}
