// Where the cached prefix of a request ends. Anthropic caches only what is marked, four times at most: one mark after
// what never changes (tools, then the system's text), and one after each of the last two messages of the user. The
// last is what the next turn begins with; the one before it is found even if this turn added more than the 20 blocks
// that Anthropic looks back.
import type { Block, Markable } from './block.ts';
import type { Turn } from './messages.ts';

export interface Prompt {
  readonly tools: readonly Markable[];
  readonly system: readonly Block[];
  readonly turns: readonly Turn[];
}

const EPHEMERAL = '{"type":"ephemeral"}';
const MARKED_TURNS = 2;

/** The prompt with its marks. A client that has set marks of its own knows better: then there are only those. */
export function withCacheMarks(prompt: Prompt): Prompt {
  const { tools, system, turns } = prompt;
  const all = [...tools, ...system, ...turns.flatMap(({ blocks }) => blocks)];
  if (all.some(({ mark }) => mark !== undefined)) return prompt;
  const asked = turns.flatMap(({ role }, index) => (role === 'user' ? [index] : []));
  const marked = asked.slice(-MARKED_TURNS);
  return {
    tools: system.length === 0 ? markedAtEnd(tools) : tools,
    system: markedAtEnd(system),
    turns: turns.map((turn, index) =>
      marked.includes(index) ? { ...turn, blocks: markedAtEnd(turn.blocks) } : turn,
    ),
  };
}

function markedAtEnd<T extends Markable>(items: readonly T[]): T[] {
  return items.map((item, index) =>
    index === items.length - 1 ? { ...item, mark: EPHEMERAL } : item,
  );
}
