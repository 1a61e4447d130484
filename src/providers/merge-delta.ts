// Puts the deltas of a stream together: members of a message, and tool calls, whose pieces every engine numbers in its
// own way. Members that the gateway does not know are kept.
import type { ToolCall } from '../domain/message.ts';
import { isObject } from '../json/document.ts';

/** Members of a message with those of one more delta: texts are joined, lists appended, null adds nothing. */
export function withMore(
  known: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (Object.keys(more).length === 0) return known;
  const merged: Record<string, unknown> = { ...known };
  for (const [key, value] of Object.entries(more)) {
    if (value === null || value === undefined) continue;
    const before = merged[key];
    if (typeof before === 'string' && typeof value === 'string') merged[key] = before + value;
    else if (Array.isArray(before) && Array.isArray(value)) merged[key] = [...before, ...value];
    else merged[key] = value;
  }
  return merged;
}

/** Tool calls as far as they have come. */
export interface CollectedCalls {
  readonly toolCalls: readonly ToolCall[];
  /** The index that the upstream gives each of them; null for one that came without. */
  readonly toolIndexes: readonly (number | null)[];
}

/** As much of the calls so far as tells where the next piece belongs. */
interface PlacedCalls {
  readonly toolCalls: readonly { readonly id: string }[];
  readonly toolIndexes: readonly (number | null)[];
}

/** The calls with the `tool_calls` of one more delta. */
export function withCalls(known: CollectedCalls, deltas: unknown): CollectedCalls {
  if (!Array.isArray(deltas)) return { toolCalls: known.toolCalls, toolIndexes: known.toolIndexes };
  const toolCalls = [...known.toolCalls];
  const toolIndexes = [...known.toolIndexes];
  for (const delta of deltas as unknown[]) {
    if (!isObject(delta)) continue;
    const at = placeOf(delta, { toolCalls, toolIndexes });
    const before = toolCalls[at];
    const fn = isObject(delta['function']) ? delta['function'] : {};
    // Unknown members (Gemini's thought signatures in extra_content) have to be replayed as they came.
    const { index, ...rest } = delta;
    toolIndexes[at] ??= typeof index === 'number' ? index : null;
    toolCalls[at] = {
      ...before,
      ...rest,
      id: before?.id ?? (textOf(delta['id']) || `call_${at}`),
      type: 'function',
      function: {
        name: before?.function.name || textOf(fn['name']),
        arguments: (before?.function.arguments ?? '') + textOf(fn['arguments']),
      },
    };
  }
  return { toolCalls, toolIndexes };
}

/**
 * Where in the list a delta belongs. Indexes need not begin at 0 (behind Anthropic, text takes the first). Gemini
 * leaves them out, or calls every one 0: then an id of its own begins a new call, and none continues the last one.
 */
export function placeOf(
  delta: Readonly<Record<string, unknown>>,
  { toolCalls, toolIndexes }: PlacedCalls,
): number {
  const id = textOf(delta['id']);
  if (typeof delta['index'] === 'number') {
    const place = toolIndexes.lastIndexOf(delta['index']);
    // Some engines make up an id for every fragment: only one with a name begins a call.
    const isNew = id !== '' && id !== toolCalls[place]?.id && nameIn(delta) !== '';
    return place === -1 || isNew ? toolCalls.length : place;
  }
  if (id === '') return Math.max(toolCalls.length - 1, 0);
  const known = toolCalls.findIndex((call) => call.id === id);
  return known === -1 ? toolCalls.length : known;
}

function nameIn({ function: fn }: Readonly<Record<string, unknown>>): string {
  return isObject(fn) ? textOf(fn['name']) : '';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
