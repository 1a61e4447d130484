// An assistant's message as the parts that the model once gave: thoughts, text and images in their order, function
// calls, each with its thought signature. Of messages that another model gave, the same as far as they say it.
import { GatewayError } from '../../domain/errors.ts';
import { isObject, parseDocument } from '../../json/document.ts';
import { contentParts, inlinePart, textParts } from './media.ts';
import { isThirdGeneration, type ModelFacts } from './model-facts.ts';
import { malformed } from './refuse.ts';
import {
  FOREIGN_SIGNATURE,
  googleContent,
  readDetails,
  signatureOf,
  signed,
  type ReplayedDetails,
} from './signatures.ts';
import { given, type ChatRequest, type Part } from './wire.ts';

/** Empty when there is nothing in the message. */
export function answerParts(message: ChatRequest, path: string, facts: ModelFacts): Part[] {
  const details = readDetails(message['reasoning_details']);
  const shown = textAndImages(message, path, details);
  const calls = callParts(message, path, { details, facts });
  const leftOver = calls.length === 0 ? details.loose : details.loose.slice(1);
  const last = leftOver.map((signature) => signed({ text: '' }, signature));
  const drawn = facts.draws && isThirdGeneration(facts) ? withForeignSignatures(shown) : shown;
  return [...details.thoughts, ...drawn, ...calls, ...last];
}

/** A piece of the answer that stands at a place in its text. */
interface Placed {
  readonly start: number;
  readonly end: number;
  /** Where in between the images, for what stands at the same place in the text: half an image is between two. */
  readonly rank: number;
  part(text: string): Part;
}

function textAndImages(message: ChatRequest, path: string, details: ReplayedDetails): Part[] {
  const text = textOf(message['content'], `${path}.content`);
  const spans: Placed[] = details.spans.map(({ start, end, images: before, signature }) => ({
    start,
    end,
    rank: before - 0.5,
    part: (own) => signed({ text: own }, signature),
  }));
  const places = [...spans, ...images(message['images'], `${path}.images`)];
  const parts: Part[] = [];
  let at = 0;
  for (const { start, end, part } of places.toSorted(byPlace)) {
    parts.push(...textParts(text.slice(at, start)), part(text.slice(Math.max(at, start), end)));
    at = Math.max(at, end);
  }
  return [...parts, ...textParts(text.slice(at))];
}

function byPlace(a: Placed, b: Placed): number {
  // Images that do not say where they stand are at the end: infinitely far, which cannot be subtracted.
  return a.start === b.start ? a.rank - b.rank : a.start - b.start;
}

/** The text of an answer: the model never gave anything else as its content. */
function textOf(content: unknown, path: string): string {
  if (typeof content === 'string') return content;
  const parts = contentParts(content, path);
  return parts.map((part) => (typeof part['text'] === 'string' ? part['text'] : '')).join('');
}

function images(list: unknown, path: string): Placed[] {
  if (!given(list)) return [];
  if (!Array.isArray(list)) throw malformed(path, 'a list of images');
  return list.map((image: unknown, index) => {
    if (!isObject(image) || !isObject(image['image_url'])) {
      throw malformed(`${path}[${index}]`, 'an object with an image_url');
    }
    const inline = inlinePart(image['image_url']['url'], `${path}[${index}].image_url.url`);
    const offset = googleContent(image)['text_offset'];
    const start = typeof offset === 'number' ? offset : Infinity;
    return { start, end: start, rank: index, part: () => signed(inline, signatureOf(image)) };
  });
}

function callParts(
  message: ChatRequest,
  path: string,
  { details, facts }: { details: ReplayedDetails; facts: ModelFacts },
): Part[] {
  const calls = message['tool_calls'];
  if (!given(calls)) return [];
  if (!Array.isArray(calls)) throw malformed(`${path}.tool_calls`, 'a list of tool calls');
  return calls.map((call: unknown, index) => {
    const at = `${path}.tool_calls[${index}]`;
    const fn = isObject(call) ? call['function'] : null;
    if (!isObject(call) || !isObject(fn) || typeof fn['name'] !== 'string') {
      throw malformed(at, 'a call of a function, with a name and arguments');
    }
    const id = typeof call['id'] === 'string' ? call['id'] : '';
    const functionCall = {
      ...callId(id, facts),
      name: fn['name'],
      args: argumentsOf(fn['arguments'], `${at}.function.arguments`),
    };
    const known = signatureOf(call) ?? details.byCall.get(id);
    // Of calls in parallel, the first one alone is signed; it has to be.
    const first = details.loose[0] ?? (isThirdGeneration(facts) ? FOREIGN_SIGNATURE : undefined);
    return signed({ functionCall }, known ?? (index === 0 ? first : undefined));
  });
}

/** From the third generation on, calls and their results are matched by id; older models know none. */
export function callId(id: string, facts: ModelFacts): { id?: string } {
  return id !== '' && isThirdGeneration(facts) ? { id } : {};
}

function argumentsOf(text: unknown, param: string): unknown {
  if (!given(text) || text === '') return {};
  if (typeof text !== 'string') throw malformed(param, 'a string');
  try {
    return parseDocument(text).value;
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause;
    throw malformed(param, 'the JSON text of an object');
  }
}

/** Models that draw want a signature on the first part and on every image. */
function withForeignSignatures(parts: readonly Part[]): Part[] {
  if (!parts.some((part) => 'inlineData' in part)) return [...parts];
  return parts.map((part, index) =>
    'thoughtSignature' in part || !(index === 0 || 'inlineData' in part)
      ? part
      : signed(part, FOREIGN_SIGNATURE),
  );
}
