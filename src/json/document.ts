// A JSON object from outside, in the three forms that the gateway needs: the text as it came, its parsed value for
// checks, and the offsets of its top-level members for splicing.
import { GatewayError } from '../domain/errors.ts';
import { duplicateKey, membersOf, type Member } from './members.ts';

export interface JsonDocument {
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly members: readonly Member[];
  /** The UTF-8 of the text, where it is at hand and long. */
  readonly bytes?: Uint8Array;
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

/** Reads one JSON object; `invalid_json` when it is not one, names a key twice or nests too deep. */
export function parseDocument(text: string, bytes?: Uint8Array): JsonDocument {
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
  return { text, value, members, ...(bytes && { bytes }) };
}

/** The JSON text of a top-level member, exactly as it came; undefined when absent. */
export function memberText(document: JsonDocument, key: string): string | undefined {
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
