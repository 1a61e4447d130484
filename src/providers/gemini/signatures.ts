// Thought signatures between Gemini's parts and OpenAI's messages, both ways. A function call's is a member of the
// tool call, as in Google's own OpenAI-compatible API; an image's is a member of the image; those of texts and
// thoughts are entries of `reasoning_details`, as OpenRouter has them. Each has to go back on the part it came with.
import { isObject } from '../../json/document.ts';
import type { Part } from './wire.ts';

const FORMAT = 'google-gemini-v1';

/** What Google's documentation names for calls that another model made: it is accepted in place of a signature. */
export const FOREIGN_SIGNATURE = 'skip_thought_signature_validator';

/** A stretch of the answer's text, in UTF-16 units, that was a part of its own. */
export interface SignedSpan {
  readonly start: number;
  readonly end: number;
  /** How many of the answer's images came before it: an empty part has no other place. */
  readonly images: number;
  readonly signature: string;
}

/** An entry for a text part's signature. Its place is in `id`, which clients keep that drop members they do not know. */
export function spanDetail(span: SignedSpan, index: number): object {
  const { start, end, images, signature } = span;
  return {
    type: 'reasoning.encrypted',
    data: signature,
    id: `text:${start}-${end}${images === 0 ? '' : `:${images}`}`,
    format: FORMAT,
    index,
  };
}

/** An entry for a thought part's signature. */
export function thoughtDetail(text: string, signature: string, index: number): object {
  return { type: 'reasoning.text', text, signature, format: FORMAT, index };
}

/** `extra_content` of a tool call or an image. */
export function extraContent(google: Readonly<Record<string, unknown>>): object {
  return Object.keys(google).length === 0 ? {} : { extra_content: { google } };
}

/** What `extra_content.google` of a tool call or an image says. */
export function googleContent(holder: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const extra = holder['extra_content'];
  return isObject(extra) && isObject(extra['google']) ? extra['google'] : {};
}

export function signatureOf(holder: Readonly<Record<string, unknown>>): string | undefined {
  const signature = googleContent(holder)['thought_signature'];
  return typeof signature === 'string' && signature !== '' ? signature : undefined;
}

export function signed(part: Part, signature: string | undefined): Part {
  return signature === undefined ? part : { ...part, thoughtSignature: signature };
}

export interface ReplayedDetails {
  readonly thoughts: readonly Part[];
  readonly spans: readonly SignedSpan[];
  /** Signatures by the id of their tool call, as OpenRouter gives them. */
  readonly byCall: ReadonlyMap<string, string>;
  /** Signatures that do not say what they belong to. */
  readonly loose: readonly string[];
}

/** Reads a message's `reasoning_details`; those of other makers' models mean nothing to Gemini. */
export function readDetails(details: unknown): ReplayedDetails {
  const thoughts: Part[] = [];
  const spans: SignedSpan[] = [];
  const byCall = new Map<string, string>();
  const loose: string[] = [];
  for (const detail of Array.isArray(details) ? details : []) {
    if (!isObject(detail) || detail['format'] !== FORMAT) continue;
    const { type, id, text, data, signature } = detail;
    if (type === 'reasoning.text' && typeof signature === 'string' && signature !== '') {
      const thought = { text: typeof text === 'string' ? text : '', thought: true };
      thoughts.push(signed(thought, signature));
    }
    if (type !== 'reasoning.encrypted' || typeof data !== 'string' || data === '') continue;
    const span = typeof id === 'string' ? spanOf(id, data) : null;
    if (span !== null) spans.push(span);
    else if (typeof id === 'string' && id !== '') byCall.set(id, data);
    else loose.push(data);
  }
  return { thoughts, spans, byCall, loose };
}

function spanOf(id: string, signature: string): SignedSpan | null {
  const [, start, end, images = 0] = /^text:(\d+)-(\d+)(?::(\d+))?$/.exec(id) ?? [];
  if (start === undefined) return null;
  return { start: Number(start), end: Number(end), images: Number(images), signature };
}
