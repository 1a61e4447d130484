// What a turn should find in the engine's KV cache, and why it found less, so that the reuse of prefixes is measured
// and not hoped for.
import type { PrefixBreak, Turn } from '../conversations/turn.ts';

/** Tokens in one block of an engine's prefix cache: only whole blocks are reused. */
const BLOCK_TOKENS: Readonly<Record<string, number>> = { 'llama.cpp': 1, lmstudio: 1, ollama: 1 };
const USUAL_BLOCK_TOKENS = 16;

/** What may be missing and is no break: the few tokens that a template puts around an answer, or the last block. */
const TOLERATED_TOKENS = 16;

/** The turn that a prompt goes on from. */
export type TurnBefore = Pick<Turn, 'usage' | 'upstream' | 'upstreamModel' | 'epochId'>;

/** Who is asked, and within which epoch. */
export interface Asked {
  readonly upstream: string;
  readonly model: string;
  readonly kind: string;
  readonly epochId: string;
}

/**
 * The tokens of prompt and answer of the turn before that whole blocks hold, where the next turn asks the same model
 * of the same upstream within the same epoch: 0 where it does not, null where nothing is known.
 */
export function expectedCachedTokens(before: TurnBefore | null, next: Asked): number | null {
  return before === null || breakBetween(before, next) !== null ? 0 : reusableTokens(before, next);
}

/**
 * Why a turn that has ended found less than the whole of prompt and answer of the turn before; null when it found
 * them, and where there is nothing before it.
 *
 * Within one epoch and upstream only the two counts can tell an eviction from bytes that changed. Where all of the
 * last prompt was found and only its answer was not, the engine has kept what it computed, but the answer is now read
 * as other tokens: a tool call that nobody answered was left out, reasoning is not sent again, a picture came out as
 * tokens and went in as an image. Where less was found, the engine has dropped it.
 */
export function prefixBreak(
  before: TurnBefore | null,
  next: Asked,
  cachedTokens: number | null,
): PrefixBreak | null {
  if (before === null) return null;
  const reusable = reusableTokens(before, next);
  if (cachedTokens !== null && reusable !== null && isReached(cachedTokens, reusable)) return null;
  const known = breakBetween(before, next);
  if (known !== null) return known;
  const { promptTokens } = before.usage;
  if (cachedTokens === null || reusable === null || promptTokens === null) return 'unknown';
  return isReached(cachedTokens, wholeBlocks(promptTokens, next.kind)) ? 'render' : 'eviction';
}

function isReached(cachedTokens: number, tokens: number): boolean {
  return cachedTokens >= tokens - TOLERATED_TOKENS;
}

/** What the gateway knows without asking: another prompt, or another engine's cache. */
function breakBetween(before: TurnBefore, next: Asked): 'epoch' | 'upstream' | null {
  if (before.epochId !== next.epochId) return 'epoch';
  const isSame = before.upstream === next.upstream && before.upstreamModel === next.model;
  return isSame ? null : 'upstream';
}

/** The answer's last token was sampled, not computed, and so is in no cache. */
function reusableTokens({ usage }: TurnBefore, { kind }: Asked): number | null {
  const { promptTokens, completionTokens } = usage;
  if (promptTokens === null || completionTokens === null) return null;
  return wholeBlocks(Math.max(0, promptTokens + completionTokens - 1), kind);
}

function wholeBlocks(tokens: number, kind: string): number {
  const block = BLOCK_TOKENS[kind] ?? USUAL_BLOCK_TOKENS;
  return Math.floor(tokens / block) * block;
}
