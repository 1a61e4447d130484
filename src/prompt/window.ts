// When a conversation outgrows the model's window: its oldest turns leave the prompt in one step, from a high-water
// mark down to a low one. A window that slides with every turn would change the prompt's beginning every time, and
// the engine would have to read all of it anew; one step costs that once. The store keeps everything.
import type { ConversationNode } from '../conversations/conversation.ts';
import { TOKENS_PER_IMAGE, USUAL_BYTES_PER_TOKEN } from './estimate.ts';

/** Share of the window at which the step is taken, also where the answer takes none of it. */
const HIGH_WATER = 0.9;

/** Share of the high-water mark, wherever that is, that is left after the step: a mark of its own would let it slide. */
const LOW_SHARE = 0.55;

export interface WindowFacts {
  /** Tokens of prompt and answer together; null when unknown, and then nothing is ever cut. */
  readonly contextTokens: number | null;
  /** Tokens that the answer may take. */
  readonly answerTokens: number;
  /** What the last prompt of these messages took, where an upstream told: makes the estimate exact so far. */
  readonly known: { readonly messages: number; readonly tokens: number } | null;
}

export interface Window {
  /** The first message that stays in the prompt. */
  readonly firstNode: string;
  /** Turns (user messages) that were left out. */
  readonly droppedTurns: number;
}

/** The cut that `nodes` need, or null when they fit. The last user message always stays, and so does what follows it. */
export function windowFor(nodes: readonly ConversationNode[], facts: WindowFacts): Window | null {
  if (facts.contextTokens === null) return null;
  const high = highWater(facts.contextTokens, facts.answerTokens);
  const costs = tokenCosts(nodes, facts.known);
  let total = costs.reduce((sum, cost) => sum + cost, 0);
  if (total <= high) return null;

  const starts = nodes.flatMap(({ role }, index) => (role === 'user' ? [index] : []));
  let cut: { first: number; dropped: number } | null = null;
  for (const [dropped, start] of starts.entries()) {
    const end = starts[dropped + 1];
    if (end === undefined || total <= high * LOW_SHARE) break;
    for (let index = start; index < end; index++) total -= costs[index] ?? 0;
    cut = { first: end, dropped: dropped + 1 };
  }
  const firstNode = cut === null ? undefined : nodes[cut.first]?.id;
  return cut === null || firstNode === undefined ? null : { firstNode, droppedTurns: cut.dropped };
}

/** Whether a prompt of so many tokens needs no cut. */
export function fitsWindow(
  tokens: number,
  { contextTokens, answerTokens }: Omit<WindowFacts, 'known'>,
): boolean {
  return contextTokens === null || tokens <= highWater(contextTokens, answerTokens);
}

/** What messages take, as long as nobody has counted them. */
export function guessedTokens(nodes: readonly ConversationNode[]): number {
  return nodes.reduce((sum, node) => sum + guessOf(node), 0);
}

function guessOf({ wire, blobs }: ConversationNode): number {
  return wire.length / USUAL_BYTES_PER_TOKEN + blobs.length * TOKENS_PER_IMAGE;
}

/** The answer has to fit beside the prompt; one that asks for the whole window is given half of it. */
function highWater(contextTokens: number, answerTokens: number): number {
  const room = contextTokens - answerTokens;
  return Math.min(contextTokens * HIGH_WATER, room > 0 ? room : contextTokens / 2);
}

function tokenCosts(nodes: readonly ConversationNode[], known: WindowFacts['known']): number[] {
  const guesses = nodes.map(guessOf);
  if (known === null || known.messages === 0) return guesses;
  const guessed = guesses.slice(0, known.messages).reduce((sum, guess) => sum + guess, 0);
  const scale = guessed === 0 ? 1 : known.tokens / guessed;
  return guesses.map((guess, index) => (index < known.messages ? guess * scale : guess));
}
