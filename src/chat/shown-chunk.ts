// What a client sees of an upstream's JSON: the same bytes, but `model` is the alias it asked for, and usage is there
// only if it asked.
import { membersOf } from '../json/members.ts';
import { withMembers } from '../json/splice.ts';
import type { Completion } from '../providers/provider.ts';

export interface ShownAs {
  /** The alias, as JSON text. */
  readonly modelJson: string;
  readonly alias: string;
  readonly usage: boolean;
}

/** The JSON to show for a chunk or a whole reply; null for a chunk that is nothing but usage nobody asked for. */
export function shownJson(json: string, completion: Completion, shown: ShownAs): string | null {
  const hidesUsage = !shown.usage && completion.usage !== undefined;
  if (hidesUsage && completion.usage !== null && completion.choices?.length === 0) return null;
  const changes: Record<string, string | null> = {};
  if (completion['model'] !== undefined && completion['model'] !== shown.alias) {
    changes['model'] = shown.modelJson;
  }
  if (hidesUsage) changes['usage'] = null;
  if (changes['model'] === undefined && !hidesUsage) return json;
  return withMembers(json, membersOf(json), changes);
}
