// What both APIs ask of a chat request before anything is sent: an allowed alias that can do what is asked, sound
// token limits. The rest of the request is the upstream's business.
import { GatewayError } from '../domain/errors.ts';
import type { JsonDocument } from '../json/document.ts';
import { ARRAY, type Outline } from '../json/outline.ts';
import type { Alias } from '../routing/catalog.ts';

/** The members of a chat request that the gateway itself looks at, beside its messages and its tools. */
const OWN_MEMBERS: ReadonlySet<string> = new Set([
  'model',
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
  'n',
  'prompt_cache_key',
]);

/** What the lists of a request are where only their outline is known: of none is more asked than whether it is empty. */
const LISTS: ReadonlySet<string> = new Set(['messages', 'tools']);

/** The value of a request, as far as the gateway acts on it: without what is in its lists where it has an outline. */
export function actedOn(document: JsonDocument): Readonly<Record<string, unknown>> {
  const { outline } = document;
  if (!outline) return document.value;
  const request: Record<string, unknown> = {};
  for (const { key, place } of outline.members) {
    if (OWN_MEMBERS.has(key)) request[key] = JSON.parse(outline.text(place));
    else if (LISTS.has(key)) request[key] = listOf(outline, place);
  }
  return request;
}

function listOf(outline: Outline, place: number): unknown {
  if (outline.kind(place) !== ARRAY) return JSON.parse(outline.text(place));
  return outline.after(place) === place + 1 ? [] : [null];
}

/** Refuses tools for an alias that cannot call any; an empty list asks for none. */
export function checkTools(request: Readonly<Record<string, unknown>>, alias: Alias): void {
  const { tools } = request;
  if (tools === undefined || tools === null) return;
  if (!Array.isArray(tools)) {
    throw new GatewayError('invalid_field', {
      message: 'tools must be a list of tool definitions.',
      param: 'tools',
    });
  }
  if (tools.length === 0 || alias.capabilities.tools) return;
  throw new GatewayError('modality_not_supported', {
    message: `The model "${alias.name}" cannot call tools. Pick one that can: GET /v1/info lists them.`,
    param: 'tools',
  });
}

/** Characters of a prompt's beginning that tell whether two prompts share what an engine keeps in its cache. */
const BEGINNING_CHARS = 2_000;

interface Acted {
  readonly document: JsonDocument;
  /** As `actedOn` has it. */
  readonly value: Readonly<Record<string, unknown>>;
}

/** By what a request goes to the same replica again: the client's own key for it, or how its prompt begins. */
export function affinityKey({ document, value }: Acted): string {
  const key = value['prompt_cache_key'];
  if (typeof key === 'string') return key;
  const { outline } = document;
  const members = (outline ?? document).members;
  const start = members.find((member) => member.key === 'messages')?.valueStart ?? 0;
  if (!outline) return document.text.slice(start, start + BEGINNING_CHARS);
  // No character takes more than three bytes for each of those that a string counts; the last one may be cut.
  return outline.parts.text(start, start + 3 * BEGINNING_CHARS + 3).slice(0, BEGINNING_CHARS);
}
