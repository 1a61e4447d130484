// What is where in a JSON object, in bytes: what one has to know to check a request and to splice it, without reading
// the texts in it. Whatever is unusual has no outline, and is parsed.
import { duplicateKey, type Member } from './members.ts';
import { Parts } from './parts.ts';
import { BASE64, ENTRY, ESCAPED, scan } from './scanner.ts';

export { ARRAY, NULL, OBJECT, STRING } from './scanner.ts';

/** A key or a value, by the number of its entry; the value of a key is at the place behind it. */
export type Place = number;

/** A top-level member, with offsets in bytes. */
export interface OutlinedMember extends Member {
  /** Of its value. */
  readonly place: Place;
}

export class Outline {
  readonly parts: Parts;
  readonly members: readonly OutlinedMember[];
  readonly #tape: Int32Array;

  constructor(parts: Parts, tape: Int32Array) {
    this.parts = parts;
    this.#tape = tape;
    const members: OutlinedMember[] = [];
    for (let key = 1; key < this.after(0); key = this.after(key + 1)) {
      members.push({
        key: parts.text(this.start(key) + 1, this.end(key) - 1),
        place: key + 1,
        start: this.start(key),
        valueStart: this.start(key + 1),
        valueEnd: this.end(key + 1),
      });
    }
    this.members = members;
  }

  /** One of the kinds of scanner.ts, without flags. */
  kind(place: Place): number {
    return (this.#tape[ENTRY * place] ?? 0) & 0xf;
  }
  isEscaped(place: Place): boolean {
    return ((this.#tape[ENTRY * place] ?? 0) & ESCAPED) !== 0;
  }
  isBase64(place: Place): boolean {
    return ((this.#tape[ENTRY * place] ?? 0) & BASE64) !== 0;
  }
  start(place: Place): number {
    return this.#tape[ENTRY * place + 1] ?? 0;
  }
  end(place: Place): number {
    return this.#tape[ENTRY * place + 2] ?? 0;
  }
  /** The place behind all that is in this one. */
  after(place: Place): Place {
    return this.#tape[ENTRY * place + 3] ?? 0;
  }

  /** The value of a member: of the first one that has this key, which is as in `is`. */
  find(object: Place, word: string): Place | undefined {
    const end = this.after(object);
    for (let key = object + 1; key < end; key = this.after(key + 1))
      if (this.is(key, word)) return key + 1;
    return undefined;
  }

  /** The value of a top-level member. */
  valueOf(key: string): Place | undefined {
    return this.members.find((member) => member.key === key)?.place;
  }

  /** Whether a string or a key is this one, which is ASCII and has nothing in it to escape. */
  is(place: Place, word: string): boolean {
    const start = this.start(place) + 1;
    if (this.end(place) - start !== word.length + 1) return false;
    for (let index = 0; index < word.length; index++)
      if (this.parts.at(start + index) !== word.charCodeAt(index)) return false;
    return true;
  }

  /** Whether two keys or strings are spelt the same. */
  areSame(place: Place, other: Place): boolean {
    const length = this.end(place) - this.start(place);
    if (this.end(other) - this.start(other) !== length) return false;
    for (let index = 1; index < length; index++)
      if (this.parts.at(this.start(place) + index) !== this.parts.at(this.start(other) + index))
        return false;
    return true;
  }

  /** The JSON text of a value. */
  text(place: Place): string {
    return this.parts.text(this.start(place), this.end(place));
  }
}

/** null for what is unusual, whatever is wrong with it or not: it has to be parsed. */
export function outlineOf(came: readonly Uint8Array[]): Outline | null {
  const list = came.filter(({ length }) => length > 0);
  const tape = scan(list);
  if (!tape) return null;
  const parts = new Parts(list);
  if (!parts.isUtf8()) return null;
  const outline = new Outline(parts, tape);
  // Two spellings of a key are told apart by parsing alone.
  if (outline.members.some(({ place }) => outline.isEscaped(place - 1))) return null;
  return duplicateKey(outline.members) === undefined ? outline : null;
}
