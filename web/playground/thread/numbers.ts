// What an answer cost: who gave it, how fast it came, and how much of the prompt was computed before.
import type { Usage } from './answer.ts';

export interface AnswerNumbers extends Usage {
  readonly upstream: string | null;
  readonly upstreamModel: string | null;
  readonly finishReason: string | null;
  /** From the request to the first visible token, and to the end. */
  readonly ttftMs: number | null;
  readonly durationMs: number | null;
  readonly prefixBreak: string | null;
}

/** A turn, as far as it is used here: GET /c1/turns/{id}, or `turns` beside a tree. */
export interface ShownTurn {
  readonly id: string;
  readonly status: string;
  readonly parent: string | null;
  readonly input_node: string;
  readonly output_node: string | null;
  readonly upstream: string | null;
  readonly upstream_model: string | null;
  readonly finish_reason: string | null;
  readonly error_code: string | null;
  readonly usage: {
    readonly prompt_tokens: number | null;
    readonly completion_tokens: number | null;
    readonly cached_tokens: number | null;
    readonly expected_cached_tokens: number | null;
    readonly prefix_break: string | null;
  };
  readonly ttft_ms: number | null;
  readonly duration_ms: number | null;
}

export function numbersOf(turn: ShownTurn): AnswerNumbers {
  const { usage } = turn;
  return {
    upstream: turn.upstream,
    upstreamModel: turn.upstream_model,
    finishReason: turn.status === 'cancelled' ? 'cancelled' : turn.finish_reason,
    ttftMs: turn.ttft_ms,
    durationMs: turn.duration_ms,
    promptTokens: usage.prompt_tokens,
    completionTokens: usage.completion_tokens,
    cachedTokens: usage.cached_tokens,
    expectedCachedTokens: usage.expected_cached_tokens,
    prefixBreak: usage.prefix_break,
  };
}

/** Of the tokens after the first, over the time after it; null where too little is known or there was only one. */
export function tokensPerSecond({
  completionTokens,
  ttftMs,
  durationMs,
}: Pick<AnswerNumbers, 'completionTokens' | 'ttftMs' | 'durationMs'>): number | null {
  if (completionTokens === null || ttftMs === null || durationMs === null) return null;
  const ms = durationMs - ttftMs;
  return completionTokens < 2 || ms <= 0 ? null : ((completionTokens - 1) * 1000) / ms;
}

/** Parts of the prompt, in percent; null where the model server does not count. */
export function reuseOf({
  promptTokens,
  cachedTokens,
  expectedCachedTokens,
}: Pick<AnswerNumbers, 'promptTokens' | 'cachedTokens' | 'expectedCachedTokens'>): {
  readonly cached: number;
  readonly expected: number | null;
} | null {
  if (promptTokens === null || promptTokens === 0 || cachedTokens === null) return null;
  const share = (tokens: number) => Math.min(100, Math.round((tokens * 100) / promptTokens));
  return {
    cached: share(cachedTokens),
    expected: expectedCachedTokens === null ? null : share(expectedCachedTokens),
  };
}

const BREAKS: Readonly<Record<string, string>> = {
  epoch: 'The prompt began anew: model, tools or format changed, or old turns left it.',
  upstream: 'Another server, or another model of it, gave the answer before.',
  render: 'The last answer is read as other tokens than it was written in, or was left out.',
  eviction: 'The model server dropped what it had computed, or was restarted.',
  unknown: 'The model server did not count.',
};

/** Why less was found than the answer before should have left; null where nothing is missing. */
export function breakReason({ prefixBreak }: Pick<AnswerNumbers, 'prefixBreak'>): string | null {
  return prefixBreak === null ? null : (BREAKS[prefixBreak] ?? prefixBreak);
}

/** `85 ms`, `1.2 s`. */
export function shownTime(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

const whole = new Intl.NumberFormat('en');
export function shownCount(value: number): string {
  return whole.format(value);
}
