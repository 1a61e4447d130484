// The nouns of a chat as OpenAI's wire has them. Only the members that the gateway looks at are named: everything
// else in a message travels as bytes.

export type Role = 'system' | 'developer' | 'user' | 'assistant' | 'tool' | 'function';

export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

/** The member in which a model's earlier reasoning is sent back to it with the history; `none` sends none. */
export type ReasoningHistory = 'none' | 'reasoning' | 'reasoning_content' | 'reasoning_details';

/** Token counts as upstreams report them. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
}

/** What is counted and stored of a usage; null where the upstream has not told a number of tokens. */
export interface TokenCounts {
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly cachedTokens: number | null;
}

/** Upstreams can say anything; databases, counters and logs are given whole numbers from zero up, or nothing. */
export function tokenCounts(usage: Usage | null): TokenCounts {
  return {
    promptTokens: countOf(usage?.prompt_tokens),
    completionTokens: countOf(usage?.completion_tokens),
    cachedTokens: countOf(usage?.prompt_tokens_details?.cached_tokens),
  };
}

function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
