// Some upstreams do not count tokens. A client that asked for usage is then given an estimate, marked as one; nothing
// that the gateway records or decides goes by it. See docs/decisions/0025.
import { isObject } from '../json/document.ts';
import { estimatedTokens, tokensIn } from '../prompt/estimate.ts';
import type { Completion } from '../providers/provider.ts';

/** Follows a stream for as long as it may turn out that nobody counts. */
export interface UsageWatch {
  see(chunk: Completion): void;
  /** The same of a chunk that differs from an earlier one by this text alone. */
  hear(text: string): void;
  /** JSON text of the usage chunk that is missing; null where the upstream sent one. */
  missing(prompt: readonly string[]): string | null;
}

/** For one stream, shown under `alias`. */
export function watchUsage(alias: string): UsageWatch {
  let isCounted = false;
  let id = '';
  let created = 0;
  // Their bytes alone: a stream may be long.
  let saidBytes = 0;
  return {
    see(chunk) {
      if (isCounted) return;
      if (chunk.usage) {
        isCounted = true;
        return;
      }
      id ||= chunk.id ?? '';
      if (typeof chunk['created'] === 'number') created ||= chunk['created'];
      for (const { delta } of chunk.choices ?? [])
        saidBytes += Buffer.byteLength(textIn(delta ?? {}));
    },
    hear(text) {
      if (!isCounted) saidBytes += Buffer.byteLength(text);
    },
    missing(prompt) {
      if (isCounted) return null;
      const prompt_tokens = prompt.reduce((sum, text) => sum + estimatedTokens(text), 0);
      const completion_tokens = tokensIn(saidBytes);
      return JSON.stringify({
        id,
        object: 'chat.completion.chunk',
        created,
        model: alias,
        choices: [],
        usage: {
          prompt_tokens,
          completion_tokens,
          total_tokens: prompt_tokens + completion_tokens,
          estimated: true,
        },
      });
    },
  };
}

/** What a model has generated in a delta: text, thoughts, the names and arguments of calls. */
function textIn(delta: Readonly<Record<string, unknown>>): string {
  const { content, refusal, reasoning, reasoning_content, tool_calls } = delta;
  // Some say the same thought under both names.
  const texts = [content, refusal, reasoning ?? reasoning_content];
  if (Array.isArray(tool_calls)) {
    for (const call of tool_calls as unknown[]) {
      const fn = isObject(call) && isObject(call['function']) ? call['function'] : {};
      texts.push(fn['name'], fn['arguments']);
    }
  }
  return texts.filter((text) => typeof text === 'string').join('');
}
