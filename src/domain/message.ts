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
