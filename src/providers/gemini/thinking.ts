// How hard to think: OpenAI's reasoning_effort and OpenRouter's reasoning as Gemini's thinkingConfig. Levels from
// Gemini 3 on, a budget of tokens before, both as Google's own OpenAI-compatible API translates them.
import { isObject } from '../../json/document.ts';
import { isThirdGeneration, type ModelFacts } from './model-facts.ts';
import { malformed } from './refuse.ts';
import { given, type ChatRequest } from './wire.ts';

const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;

type Effort = (typeof EFFORTS)[number];

interface Wish {
  readonly effort?: Effort;
  readonly budget?: number;
  /** Whether summaries of the thoughts are wanted. */
  readonly shown: boolean;
}

/** undefined where the model may decide for itself. */
export function thinkingConfig(request: ChatRequest, facts: ModelFacts): object | undefined {
  const wish = wishOf(request);
  if (wish === null) return undefined;
  const { effort, budget, shown } = wish;
  // Nothing to turn off, and the setting itself would be refused.
  if (effort === 'none' && !thinks(facts)) return undefined;
  return {
    ...(budget === undefined ? {} : { thinkingBudget: budget }),
    ...(budget === undefined && effort !== undefined ? amount(effort, facts) : {}),
    includeThoughts: shown && effort !== 'none',
  };
}

function wishOf(request: ChatRequest): Wish | null {
  const { reasoning, include_reasoning } = request;
  if (given(reasoning) && !isObject(reasoning)) throw malformed('reasoning', 'an object');
  const asked: Readonly<Record<string, unknown>> = isObject(reasoning) ? reasoning : {};
  const effort =
    asked['enabled'] === false
      ? 'none'
      : (effortOf(asked['effort'], 'reasoning.effort') ??
        effortOf(request['reasoning_effort'], 'reasoning_effort'));
  const budget = asked['max_tokens'];
  if (given(budget) && !Number.isInteger(budget)) {
    throw malformed('reasoning.max_tokens', 'a whole number');
  }
  const isShown = asked['exclude'] !== true && include_reasoning !== false;
  const isAsked =
    effort !== undefined ||
    given(budget) ||
    asked['enabled'] === true ||
    include_reasoning === true ||
    asked['exclude'] === false;
  if (!isAsked) return null;
  return {
    ...(effort === undefined ? {} : { effort }),
    ...(typeof budget === 'number' ? { budget } : {}),
    shown: isShown,
  };
}

function effortOf(value: unknown, param: string): Effort | undefined {
  if (!given(value)) return undefined;
  const effort = EFFORTS.find((known) => known === value);
  if (effort === undefined) throw malformed(param, `one of ${EFFORTS.join(', ')}`);
  return effort;
}

const BUDGETS: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 1024,
  low: 1024,
  medium: 8192,
  high: 24_576,
  xhigh: 24_576,
  max: 24_576,
};

const LEVELS: Readonly<Record<Effort, string>> = {
  none: 'MINIMAL',
  minimal: 'MINIMAL',
  low: 'LOW',
  medium: 'MEDIUM',
  high: 'HIGH',
  xhigh: 'HIGH',
  max: 'HIGH',
};

/** Models of the third generation, and the larger ones before, cannot be kept from thinking: they get the least. */
function amount(effort: Effort, facts: ModelFacts): object {
  if (isThirdGeneration(facts)) {
    const level = LEVELS[effort];
    return { thinkingLevel: facts.isPro && level === 'MINIMAL' ? 'LOW' : level };
  }
  return { thinkingBudget: facts.isPro && effort === 'none' ? 128 : BUDGETS[effort] };
}

function thinks({ generation, draws }: ModelFacts): boolean {
  return generation >= 2.5 && !(draws && generation < 3);
}
