// Tool calls of a stream always have an index that no other call has: SDKs put the pieces of each call together by it.
// Gemini leaves it out, or calls every one 0; then the official SDKs throw, and others make one broken call of two.
import { isObject } from '../json/document.ts';
import type { ChunkChoice, Completion } from '../providers/provider.ts';
import { placeOf } from '../providers/merge-delta.ts';

interface SeenCalls {
  readonly toolCalls: { readonly id: string }[];
  /** As the upstream numbers them. */
  readonly toolIndexes: (number | null)[];
  readonly shownIndexes: number[];
}

/** For the chunks of one stream: the JSON of a chunk's `choices` where an index had to be put right, else null. */
export function indexCalls(): (chunk: Completion) => string | null {
  const seen = new Map<number, SeenCalls>();
  return ({ choices }) => {
    if (!choices?.some(hasCalls)) return null;
    let changed = false;
    const shown = choices.map((choice) => {
      const calls = choice.delta?.['tool_calls'];
      if (!Array.isArray(calls)) return choice;
      const at = choice.index ?? 0;
      const known = seen.get(at) ?? { toolCalls: [], toolIndexes: [], shownIndexes: [] };
      seen.set(at, known);
      const indexed = calls.map((call: unknown) => {
        if (!isObject(call)) return call;
        const index = indexOf(call, known);
        if (call['index'] === index) return call;
        changed = true;
        return { ...call, index };
      });
      return { ...choice, delta: { ...choice.delta, tool_calls: indexed } };
    });
    return changed ? JSON.stringify(shown) : null;
  };
}

function hasCalls({ delta }: ChunkChoice): boolean {
  return Array.isArray(delta?.['tool_calls']);
}

/** The call's index as it is shown: the upstream's own, unless there is none or another call has it. */
function indexOf(call: Readonly<Record<string, unknown>>, known: SeenCalls): number {
  const { toolCalls, toolIndexes, shownIndexes } = known;
  const place = placeOf(call, known);
  const shownBefore = shownIndexes[place];
  if (shownBefore !== undefined) return shownBefore;
  const own = typeof call['index'] === 'number' ? call['index'] : null;
  const index =
    own !== null && !shownIndexes.includes(own) ? own : Math.max(-1, ...shownIndexes) + 1;
  toolCalls[place] = { id: typeof call['id'] === 'string' ? call['id'] : '' };
  toolIndexes[place] = own;
  shownIndexes[place] = index;
  return index;
}
