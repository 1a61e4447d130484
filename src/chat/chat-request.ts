// What both APIs ask of a chat request before anything is sent: an allowed alias that can do what is asked, sound
// token limits. The rest of the request is the upstream's business.
import { GatewayError } from '../domain/errors.ts';
import type { JsonDocument } from '../json/document.ts';
import { ARRAY, type Outline } from '../json/outline.ts';
import type { Alias } from '../routing/catalog.ts';

/** The members of a chat request that the gateway itself looks at, beside its messages and its tools. */
const OWN_MEMBERS = [
  'model',
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
  'n',
  'prompt_cache_key',
] as const;

/** What the lists of a request are where only their outline is known: of none is more asked than whether it is empty. */
const LISTS = ['messages', 'tools'] as const;

/** The value of a request, as far as the gateway acts on it: without what is in its lists where it has an outline. */
export function actedOn(document: JsonDocument): Readonly<Record<string, unknown>> {
  const { outline } = document;
  if (!outline) return document.value;
  const request: Record<string, unknown> = {};
  for (const key of OWN_MEMBERS) {
    const place = outline.valueOf(key);
    if (place !== undefined) request[key] = JSON.parse(outline.text(place));
  }
  for (const key of LISTS) {
    const place = outline.valueOf(key);
    if (place !== undefined) request[key] = listOf(outline, place);
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
