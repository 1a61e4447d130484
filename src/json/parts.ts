// Bytes that came in several parts, and stay in them: to put megabytes together costs more than to look at them.
import { isUtf8 } from 'node:buffer';

const NOTHING = new Uint8Array();

export class Parts {
  readonly list: readonly Uint8Array[];
  readonly length: number;
  /** The part that was looked into last, and where it begins. */
  #part: Uint8Array;
  #from = 0;
  /** The only part, as Node knows it. */
  #whole: Buffer | undefined;

  constructor(list: readonly Uint8Array[]) {
    this.list = list;
    this.length = list.reduce((sum, part) => sum + part.length, 0);
    this.#part = list[0] ?? NOTHING;
  }

  /** The byte at an offset; -1 where there is none. */
  at(offset: number): number {
    const within = offset - this.#from;
    if (within >= 0 && within < this.#part.length) return this.#part[within] ?? -1;
    return this.#seek(offset) ? this.at(offset) : -1;
  }

  /** The bytes between two offsets, not copied. */
  between(from: number, to: number): Uint8Array[] {
    if (this.list.length === 1) return [this.#part.subarray(from, to)];
    const found: Uint8Array[] = [];
    let start = 0;
    for (const part of this.list) {
      if (start < to && start + part.length > from)
        found.push(part.subarray(Math.max(0, from - start), to - start));
      start += part.length;
    }
    return found;
  }

  /** The text between two offsets. */
  text(from = 0, to = this.length): string {
    if (this.list.length > 1) return Buffer.concat(this.between(from, to)).toString();
    const { buffer, byteOffset, length } = this.#part;
    this.#whole ??= Buffer.from(buffer, byteOffset, length);
    return this.#whole.toString('utf8', from, to);
  }

  /** False also for a character that more than two parts share: whoever cares puts them together. */
  isUtf8(): boolean {
    let begun = 0;
    return this.list.every((part, index) => {
      const next = this.list[index + 1] ?? NOTHING;
      const rest = continuationsIn(next);
      const from = begun;
      begun = rest;
      if (rest === 0) return isUtf8(from === 0 ? part : part.subarray(from));
      const end = lastLeadIn(part);
      if (end < from) return false;
      const shared = Buffer.concat([part.subarray(end), next.subarray(0, rest)]);
      return isUtf8(shared) && isUtf8(part.subarray(from, end));
    });
  }

  #seek(offset: number): boolean {
    let from = 0;
    for (const part of this.list) {
      if (offset >= from && offset < from + part.length) {
        this.#part = part;
        this.#from = from;
        return true;
      }
      from += part.length;
    }
    return false;
  }
}

/** How many bytes at the beginning go on with a character of the part before. */
function continuationsIn(part: Uint8Array): number {
  let count = 0;
  while (count < 3 && ((part[count] ?? 0) & 0xc0) === 0x80) count++;
  return count;
}

/** Where the last character begins that takes several bytes; -1 where none does. */
function lastLeadIn(part: Uint8Array): number {
  const near = Math.max(0, part.length - 3);
  for (let at = part.length - 1; at >= near; at--) if ((part[at] ?? 0) >= 0xc0) return at;
  return -1;
}
