// A JSON object from outside, in the three forms that the gateway needs: the text as it came, its parsed value for
// checks, and the offsets of its top-level members for splicing. One that was only looked over has them when asked.
import { GatewayError } from '../domain/errors.ts';
import { duplicateKey, membersOf, type Member } from './members.ts';
import { outlineOf, type Outline } from './outline.ts';

export interface JsonDocument {
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
  /** Offsets in the text. */
  readonly members: readonly Member[];
  /** Where the bytes are at hand: for whoever can do without the text and its value, which cost far more. */
  readonly outline?: Outline;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Decodes a body, or refuses it with `invalid_json`: bytes that are not UTF-8 would not survive a round trip. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch (cause) {
    throw new GatewayError('invalid_json', {
      message: 'The body is not valid UTF-8. Encode it as UTF-8.',
      cause,
    });
  }
}

/** As `parseDocument` on the bytes, and refuses the same, but parses only what has no outline. */
export function lookOver(parts: readonly Uint8Array[]): JsonDocument {
  const outline = outlineOf(parts);
  return outline ? new OutlinedDocument(outline) : parseDocument(decodeUtf8(Buffer.concat(parts)));
}

class OutlinedDocument implements JsonDocument {
  readonly outline: Outline;
  #text: string | undefined;
  #value: JsonDocument['value'] | undefined;
  #members: readonly Member[] | undefined;

  constructor(outline: Outline) {
    this.outline = outline;
  }
  get text(): string {
    return (this.#text ??= this.outline.parts.text());
  }
  get value(): JsonDocument['value'] {
    return (this.#value ??= JSON.parse(this.text) as JsonDocument['value']);
  }
  get members(): readonly Member[] {
    return (this.#members ??= membersOf(this.text));
  }
}

/** Reads one JSON object; `invalid_json` when it is not one, names a key twice or nests too deep. */
export function parseDocument(text: string): JsonDocument {
  const value = parseAny(text);
  if (!isObject(value)) {
    throw new GatewayError('invalid_json', {
      message: 'The body must be a JSON object: {"…": …}.',
    });
  }
  const members = membersOf(text);
  const twice = duplicateKey(members);
  if (twice !== undefined) {
    throw new GatewayError('invalid_json', {
      message: `The key ${JSON.stringify(twice)} occurs twice at the top level. Send it once.`,
      param: twice,
    });
  }
  return { text, value, members };
}

/** The JSON text of a top-level member, exactly as it came; undefined when absent. */
export function memberText(document: JsonDocument, key: string): string | undefined {
  const { outline } = document;
  if (outline) {
    const place = outline.valueOf(key);
    return place === undefined ? undefined : outline.text(place);
  }
  const member = document.members.find((candidate) => candidate.key === key);
  return member && document.text.slice(member.valueStart, member.valueEnd);
}

/** Whether a parsed value is a JSON object (neither null nor an array). */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseAny(text: string): unknown {
  if (text.trim() === '') {
    throw new GatewayError('invalid_json', { message: 'The body is empty. Send a JSON object.' });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/^JSON Parse error: /, '') : '';
    throw new GatewayError('invalid_json', {
      message: `The body is not well-formed JSON (${reason.slice(0, 120)}). Correct it and send it again.`,
      cause,
    });
  }
}
