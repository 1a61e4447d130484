// Finds the top-level members of a JSON object in its text, so that bodies can be changed by splicing: what is not
// changed keeps its bytes (member order, spacing, integers beyond 2^53). The text must already have passed
// JSON.parse; the scan leans on that and checks nothing but depth and duplicate keys.
import { GatewayError } from '../domain/errors.ts';
import { MAX_JSON_DEPTH } from '../domain/limits.ts';

export interface Member {
  readonly key: string;
  /** Offset of the key's opening quote. */
  readonly start: number;
  /** Offsets of the value: text.slice(valueStart, valueEnd). */
  readonly valueStart: number;
  readonly valueEnd: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;

/**
 * The members of the object that `text` holds, in their order, as offsets into `text`.
 * `depth` is how deep the object itself is nested; refuses what exceeds MAX_JSON_DEPTH with `invalid_json`.
 */
export function membersOf(text: string, depth = 1): Member[] {
  const members: Member[] = [];
  let at = skipSpace(text, text.indexOf('{') + 1);
  while (text.charCodeAt(at) !== CLOSE_OBJECT) {
    const start = at;
    const keyEnd = endOfString(text, start);
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const valueEnd = endOfValue(text, valueStart, depth);
    members.push({ key: keyText(text, start, keyEnd), start, valueStart, valueEnd });
    at = skipSpace(text, valueEnd);
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
  }
  return members;
}

/** Where the value of the first member with this key is, as offsets; what follows it is not looked at. */
export function valuePlace(text: string, key: string): readonly [number, number] | undefined {
  let at = skipSpace(text, text.indexOf('{') + 1);
  while (text.charCodeAt(at) !== CLOSE_OBJECT) {
    const keyEnd = endOfString(text, at);
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = endOfValue(text, start, 1);
    const length = keyEnd - at - 2;
    // With escapes in it a key is longer than what it stands for.
    const isIt =
      length > key.length
        ? keyText(text, at, keyEnd) === key
        : length === key.length && text.startsWith(key, at + 1);
    if (isIt) return [start, end];
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
  }
  return undefined;
}

/** The JSON text of one member of the object that `text` holds, exactly as it stands there; undefined where absent. */
export function valueText(text: string, key: string): string | undefined {
  const member = membersOf(text).find((candidate) => candidate.key === key);
  return member && text.slice(member.valueStart, member.valueEnd);
}

/** The JSON texts of the elements of the array that `text` holds. Leans on JSON.parse like `membersOf`. */
export function elementsOf(text: string, depth = 1): string[] {
  const elements: string[] = [];
  let at = skipSpace(text, text.indexOf('[') + 1);
  while (text.charCodeAt(at) !== CLOSE_ARRAY) {
    const end = endOfValue(text, at, depth);
    elements.push(text.slice(at, end));
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
  }
  return elements;
}

/** The key that occurs twice, if any: parsers differ in which one they keep, so neither can be trusted. */
export function duplicateKey(members: readonly Member[]): string | undefined {
  const seen = new Set<string>();
  for (const { key } of members) {
    if (seen.has(key)) return key;
    seen.add(key);
  }
  return undefined;
}

function keyText(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end - 1);
  return raw.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : raw;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
    at++;
  }
}

/** Offset just past the closing quote. indexOf runs natively, which is what makes megabyte images cheap to skip. */
function endOfString(text: string, open: number): number {
  let close = text.indexOf('"', open + 1);
  while (isEscaped(text, close)) close = text.indexOf('"', close + 1);
  return close + 1;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++;
  return slashes % 2 === 1;
}

function endOfValue(text: string, start: number, depth: number): number {
  const first = text.charCodeAt(start);
  if (first === QUOTE) return endOfString(text, start);
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) return endOfContainer(text, start, depth);
  let at = start;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === COMMA || code === CLOSE_OBJECT || code === CLOSE_ARRAY || code <= 0x20) return at;
    at++;
  }
}

function endOfContainer(text: string, start: number, outerDepth: number): number {
  let depth = outerDepth;
  let at = start;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
      continue;
    }
    if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      if (++depth > MAX_JSON_DEPTH) {
        throw new GatewayError('invalid_json', {
          message: `The body nests deeper than ${MAX_JSON_DEPTH} levels. Flatten it.`,
        });
      }
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      if (--depth === outerDepth) return at + 1;
    }
    at++;
  }
}
