// How much the model is to think, from OpenAI's `reasoning_effort`, OpenRouter's `reasoning` and Anthropic's own
// `thinking`. Models from Claude 4.6 on decide by themselves, guided by an effort; those before take a number of
// tokens. The old ones are known by name, because their list is closed.
import { ANTHROPIC_MAX_TOKENS } from '../../domain/limits.ts';
import { isObject } from '../../json/document.ts';
import { invalid, lacks } from './refusal.ts';

export interface Thinking {
  /** The `thinking` member; null where nothing is asked for, and the model's own default holds. */
  readonly config: object | null;
  /** For `output_config`. */
  readonly effort: string | null;
  /** What thinking may take of `max_tokens`, where that is a number. */
  readonly budgetTokens: number;
}

/** Anthropic takes no smaller budget. */
const MIN_BUDGET = 1_024;

/** The part of `max_tokens` that thinking gets, by effort. */
const SHARES: Readonly<Record<string, number>> = {
  minimal: 0.1,
  low: 0.2,
  medium: 0.5,
  high: 0.8,
  xhigh: 0.9,
  max: 0.9,
};

interface Asked {
  readonly effort: string | null;
  readonly maxTokens: number | null;
  readonly enabled: boolean | null;
  readonly isHidden: boolean;
}

/** `limit` is the request's own token limit, or null. */
export function thinkingOf(
  request: Readonly<Record<string, unknown>>,
  { model, limit }: { readonly model: string; readonly limit: number | null },
): Thinking {
  const asked = askedFor(request);
  const effort = takesEffort(model) ? effortOf(asked) : null;
  const own = request['thinking'];
  if (isObject(own)) return { config: own, effort, budgetTokens: budgetIn(own) };
  if (asked.effort === 'none' || asked.enabled === false) {
    return { config: { type: 'disabled' }, effort: null, budgetTokens: 0 };
  }
  if (asked.maxTokens !== null)
    return withBudget(budgetAsked(asked.maxTokens, model, limit), asked);
  if (asked.effort === null && asked.enabled !== true) {
    return { config: null, effort: null, budgetTokens: 0 };
  }
  if (!takesEffort(model)) return withBudget(shareOf(limit, asked.effort ?? 'medium'), asked);
  // The newest models tell nothing of their thinking unless they are asked to.
  const display = asked.isHidden ? 'omitted' : 'summarized';
  return { config: { type: 'adaptive', display }, effort, budgetTokens: 0 };
}

function askedFor(request: Readonly<Record<string, unknown>>): Asked {
  const reasoning = isObject(request['reasoning']) ? request['reasoning'] : {};
  const effort = request['reasoning_effort'] ?? reasoning['effort'] ?? null;
  if (effort !== null && typeof effort !== 'string') {
    throw invalid('reasoning_effort', 'must be a string');
  }
  const maxTokens = reasoning['max_tokens'] ?? null;
  if (maxTokens !== null && !(Number.isInteger(maxTokens) && Number(maxTokens) > 0)) {
    throw invalid('reasoning.max_tokens', 'must be a whole number above 0');
  }
  const { enabled, exclude } = reasoning;
  return {
    effort,
    maxTokens: maxTokens === null ? null : Number(maxTokens),
    enabled: typeof enabled === 'boolean' ? enabled : null,
    isHidden: exclude === true,
  };
}

/** Anthropic's least effort is `low`. */
function effortOf({ effort }: Asked): string | null {
  if (effort === 'none') return null;
  return effort === 'minimal' ? 'low' : effort;
}

function withBudget(budgetTokens: number, { isHidden }: Asked): Thinking {
  const display = isHidden ? { display: 'omitted' } : {};
  return {
    config: { type: 'enabled', budget_tokens: budgetTokens, ...display },
    effort: null,
    budgetTokens,
  };
}

function budgetAsked(tokens: number, model: string, limit: number | null): number {
  if (!takesBudget(model)) {
    throw lacks(
      'reasoning.max_tokens',
      `takes no number of thinking tokens for ${model}, but reasoning.effort`,
    );
  }
  const budget = Math.max(tokens, MIN_BUDGET);
  if (limit !== null && budget >= limit) {
    throw invalid(
      'reasoning.max_tokens',
      `must leave room for the answer: thinking takes ${budget} tokens here (at least ${MIN_BUDGET}), and max_tokens is ${limit}`,
    );
  }
  return budget;
}

function shareOf(limit: number | null, effort: string): number {
  const share = SHARES[effort];
  if (share === undefined) {
    throw invalid('reasoning_effort', `must be none or one of ${Object.keys(SHARES).join(', ')}`);
  }
  if (limit === null) return Math.floor(ANTHROPIC_MAX_TOKENS * share);
  if (limit <= MIN_BUDGET) {
    throw invalid(
      'reasoning_effort',
      `needs a max_tokens above ${MIN_BUDGET} with this model: its thinking takes at least that many`,
    );
  }
  return Math.max(Math.floor(limit * share), MIN_BUDGET);
}

function budgetIn({ type, budget_tokens: budget }: Readonly<Record<string, unknown>>): number {
  return type === 'enabled' && typeof budget === 'number' ? budget : 0;
}

/** Claude 3 and 4.0 to 4.5 do not; whatever is newer or unknown does. */
function takesEffort(model: string): boolean {
  return !/claude-(?:3\b|(?:opus|sonnet|haiku)-4(?![-.][6-9](?!\d)))/.test(model);
}

/** Claude 4.6 takes both, its successors only an effort. */
function takesBudget(model: string): boolean {
  return !takesEffort(model) || /claude-(?:opus|sonnet)-4[-.]6(?!\d)/.test(model);
}
