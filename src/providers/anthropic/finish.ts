// How a message ended, and what it took, as OpenAI reports them.
import { isObject } from '../../json/document.ts';
import type { Usage } from '../../domain/message.ts';

const FINISH_REASONS: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
};

/**
 * Whatever else ends a message leaves it unfinished: max_tokens, a full window (model_context_window_exceeded), a
 * turn that could go on (pause_turn, compaction). A reason that is not known yet must not look like success.
 */
export function finishReasonOf(stopReason: string): string {
  return FINISH_REASONS[stopReason] ?? 'length';
}

/** What Anthropic says of a refusal, for OpenAI's `refusal`; null where it says nothing. */
export function refusalIn(details: unknown): string | null {
  const explanation = isObject(details) ? details['explanation'] : null;
  return typeof explanation === 'string' ? explanation : null;
}

/** The later counts over the earlier ones: those at a message's end are cumulative, and null where they say nothing. */
export function mergedUsage(
  known: Readonly<Record<string, unknown>>,
  told: unknown,
): Readonly<Record<string, unknown>> {
  if (!isObject(told)) return known;
  const said = Object.entries(told).filter(([, value]) => value !== null);
  return { ...known, ...Object.fromEntries(said) };
}

export interface AnthropicUsage extends Usage {
  /** With what was written to the cache, which costs more than the rest. */
  readonly prompt_tokens_details: {
    readonly cached_tokens: number;
    readonly cache_write_tokens: number;
  };
  readonly completion_tokens_details?: { readonly reasoning_tokens: number };
}

/** Anthropic counts what it read from its cache, and what it wrote there, beside the rest of the prompt. */
export function usageOf(counts: Readonly<Record<string, unknown>>): AnthropicUsage {
  const cached = countOf(counts['cache_read_input_tokens']);
  const written = countOf(counts['cache_creation_input_tokens']);
  const prompt = countOf(counts['input_tokens']) + cached + written;
  const completion = countOf(counts['output_tokens']);
  const details = counts['output_tokens_details'];
  const thought = isObject(details) ? details['thinking_tokens'] : null;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
    ...(typeof thought === 'number'
      ? { completion_tokens_details: { reasoning_tokens: thought } }
      : {}),
  };
}

function countOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
