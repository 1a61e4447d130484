// What a client sees of an upstream's JSON: the same bytes, but `model` is the alias it asked for, usage is there only
// if it asked, and the choices of a stream have what SDKs need.
import { GatewayError } from '../domain/errors.ts';
import { MAX_JSON_DEPTH } from '../domain/limits.ts';
import { membersOf, valuePlace } from '../json/members.ts';
import { withMembers } from '../json/splice.ts';
import type { ChunkChoice, Completion } from '../providers/provider.ts';
import { fitChoices } from './fit-choices.ts';

export interface ShownAs {
  readonly alias: string;
  /** Whether usage is shown. */
  readonly usage: boolean;
  /** Shown beside the upstream's own count of cached tokens, where there is something to expect. */
  readonly expectedCachedTokens?: number | null;
}

/** The JSON to show for a chunk or a whole reply; null for a chunk that is nothing but usage nobody asked for. */
export type Show = (json: string, completion: Completion) => string | null;

/**
 * For the chunks of one stream. Most engines begin every chunk of a stream with the same bytes, up to and with the
 * model: then the place of the model is known from the chunk before, and no chunk has to be scanned for it (0.05 µs
 * instead of 0.8 µs for a chunk of 170 characters, measured on its own with Bun 1.4.5).
 */
export function showAs({ alias, usage, expectedCachedTokens }: ShownAs): Show {
  const modelJson = JSON.stringify(alias);
  let known = { head: '', shownHead: '' };
  const fitted = fitChoices();

  function withAlias(json: string): string {
    if (known.head !== '' && json.startsWith(known.head)) {
      return known.shownHead + json.slice(known.head.length);
    }
    const member = membersOf(json).find(({ key }) => key === 'model');
    if (!member) return json;
    const shownHead = json.slice(0, member.valueStart) + modelJson;
    // The byte after the value is part of the head: it is what shows that the value ends there.
    const end = json[member.valueEnd] ?? '';
    known = { head: json.slice(0, member.valueEnd) + end, shownHead: shownHead + end };
    return shownHead + json.slice(member.valueEnd);
  }

  const shownOf: Show = (json, completion) => {
    const { model, usage: told, choices } = completion;
    const hidesUsage = !usage && told !== undefined;
    if (hidesUsage && told !== null && choices?.length === 0) return null;
    const shown = model === undefined || model === alias ? json : withAlias(json);
    const withUsage =
      told && expectedCachedTokens ? withExpected(shown, expectedCachedTokens) : shown;
    const fitting = fitted(completion);
    if (!hidesUsage && fitting === null) return withUsage;
    const changes = {
      ...(hidesUsage ? { usage: null } : {}),
      ...(fitting === null ? {} : { choices: fitting }),
    };
    return withMembers(withUsage, membersOf(withUsage), changes);
  };
  return (json, completion) => {
    try {
      return shownOf(json, completion);
    } catch (cause) {
      throw tooDeep(cause);
    }
  };
}

/** A whole reply as a client sees it, with its usage. */
export function shownReply(json: string, completion: Completion, alias: string): string {
  const { model, choices } = completion;
  // Nothing but the model may have to change, unless a choice is not what it should be.
  if (!choices?.every(isWhole)) return showAs({ alias, usage: true })(json, completion) ?? json;
  if (model === undefined || model === alias) return json;
  try {
    const place = valuePlace(json, 'model');
    if (!place) return json;
    const [start, end] = place;
    return json.slice(0, start) + JSON.stringify(alias) + json.slice(end);
  } catch (cause) {
    throw tooDeep(cause);
  }
}

function isWhole({ message, delta }: ChunkChoice): boolean {
  return message !== undefined && delta === undefined;
}

/** The scan blames whoever asks; but what nests too deep here is the upstream's. */
function tooDeep(cause: unknown): GatewayError {
  return new GatewayError('upstream_protocol_error', {
    message: `The upstream sent JSON that nests deeper than ${MAX_JSON_DEPTH} levels.`,
    cause,
  });
}

/** The usage with one member more in its prompt_tokens_details, where SDKs pass over what they do not know. */
function withExpected(json: string, expectedCachedTokens: number): string {
  const expected = { expected_cached_tokens: String(expectedCachedTokens) };
  return withMember(json, 'usage', (usage) =>
    withMember(usage, 'prompt_tokens_details', (details) =>
      details.startsWith('{')
        ? withMembers(details, membersOf(details), expected)
        : withMembers('{}', [], expected),
    ),
  );
}

/** An object's JSON text with what `change` makes of a member; absent, it is "null" to it. */
function withMember(json: string, key: string, change: (value: string) => string): string {
  const members = membersOf(json);
  const member = members.find((candidate) => candidate.key === key);
  const value = member ? json.slice(member.valueStart, member.valueEnd) : 'null';
  return withMembers(json, members, { [key]: change(value) });
}
