// Gemini's usageMetadata as OpenAI's usage. Thoughts are part of the completion there, and apart from it here.
import type { Usage } from '../../domain/message.ts';

export interface CompletionUsage extends Usage {
  readonly completion_tokens_details: { readonly reasoning_tokens: number };
}

export function usageOf(metadata: Readonly<Record<string, unknown>>): CompletionUsage {
  const count = (name: string): number => {
    const value = metadata[name];
    return typeof value === 'number' ? value : 0;
  };
  const prompt = count('promptTokenCount') + count('toolUsePromptTokenCount');
  const thoughts = count('thoughtsTokenCount');
  const completion = count('candidatesTokenCount') + thoughts;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: count('totalTokenCount') || prompt + completion,
    // A prompt of which nothing was cached has no such count.
    prompt_tokens_details: { cached_tokens: count('cachedContentTokenCount') },
    completion_tokens_details: { reasoning_tokens: thoughts },
  };
}
