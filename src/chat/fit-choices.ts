// What SDKs need of a stream's choices, where an upstream leaves it out. Tool calls get an index that no other call
// has: Gemini sends none, or calls every one 0; then the official SDKs throw, and others make one broken call of two.
// A choice without a delta gets an empty one: Azure sends its filters so, and LlamaIndex throws.
import { isObject } from '../json/document.ts';
import type { ChunkChoice, Completion } from '../providers/provider.ts';
import { placeOf } from '../providers/merge-delta.ts';

interface SeenCalls {
  readonly toolCalls: { readonly id: string }[];
  /** As the upstream numbers them. */
  readonly toolIndexes: (number | null)[];
  readonly shownIndexes: number[];
}

/** For the chunks of one stream: the JSON of a chunk's `choices` where something had to be put right, else null. */
export function fitChoices(): (chunk: Completion) => string | null {
  const seen = new Map<number, SeenCalls>();
  return ({ choices }) => {
    if (!choices?.some((choice) => hasCalls(choice) || lacksDelta(choice))) return null;
    let changed = false;
    const shown = choices.map((choice) => {
      if (lacksDelta(choice)) {
        changed = true;
        return { ...choice, delta: {} };
      }
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

/** A whole reply has messages instead. */
function lacksDelta({ delta, message }: ChunkChoice): boolean {
  return delta === undefined && message === undefined;
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
