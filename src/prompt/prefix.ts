// What a turn should find in the engine's KV cache, so that the reuse of prefixes is measured and not hoped for.
import type { Turn } from '../conversations/turn.ts';

/** Tokens in one block of an engine's prefix cache: only whole blocks are reused. */
const BLOCK_TOKENS: Readonly<Record<string, number>> = { 'llama.cpp': 1, lmstudio: 1, ollama: 1 };
const USUAL_BLOCK_TOKENS = 16;

/**
 * The tokens of prompt and answer of the turn before that whole blocks hold, where the next turn asks the same upstream
 * within the same epoch: 0 where it does not, null where nothing is known. The answer's last token was sampled, not
 * computed, and so is in no cache.
 */
export function expectedCachedTokens(
  before: Pick<Turn, 'usage' | 'upstream' | 'epochId'> | null,
  next: { readonly upstream: string; readonly kind: string; readonly epochId: string },
): number | null {
  if (before === null) return 0;
  if (before.epochId !== next.epochId || before.upstream !== next.upstream) return 0;
  const { promptTokens, completionTokens } = before.usage;
  if (promptTokens === null || completionTokens === null) return null;
  const block = BLOCK_TOKENS[next.kind] ?? USUAL_BLOCK_TOKENS;
  return Math.floor(Math.max(0, promptTokens + completionTokens - 1) / block) * block;
}
