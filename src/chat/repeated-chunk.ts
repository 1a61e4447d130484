// The short cut of a stream's chunks. Engines send the same bytes with every token, but for its text: what comes before
// and behind that text has been parsed, checked and shown once, and need not be again. A chunk of which the long way
// would make anything else goes the long way.
// bench/chunks.ts measures what that saves.
import { isUtf8 } from 'node:buffer';
import type { Shortcut, Sink } from '../domain/pieces.ts';
import { ROOM_BEFORE, ROOM_BEHIND } from '../domain/stream-body.ts';
import { membersOf } from '../json/members.ts';
import type { ChunkChoice, Completion } from '../providers/provider.ts';
import { dataEvent } from '../sse/encode.ts';

interface ReadChunk {
  readonly json: string;
  readonly chunk: Completion;
}

/** An event before and behind its text, which stands between quotes, as it comes and as it is shown. */
interface Frame {
  readonly head: Buffer;
  readonly tail: Buffer;
  readonly shownHead: Buffer;
  readonly shownTail: Buffer;
  readonly isSameTail: boolean;
}

/** After so many frames that no chunk repeated, a stream is left alone: some put new bytes elsewhere into each chunk. */
const MAX_VAIN_FRAMES = 6;

/**
 * For one stream. All that a chunk needs is in this one object: in the running process each object that a chunk touches
 * is not in the caches any more, and costs more than what is done with it.
 */
export class Repeats implements Shortcut {
  isBetweenEvents = false;
  #frame: Frame | null = null;
  #sink: Sink<string> | null = null;
  #vainFrames = 0;
  readonly #onText: ((bytes: number) => void) | null;

  /** `onText` is told how many bytes of text came by the short cut. */
  constructor(onText: ((bytes: number) => void) | null) {
    this.#onText = onText;
  }

  into(sink: Sink<string>): this {
    this.#sink = sink;
    return this;
  }

  /** Told of each chunk that came the long way, and what JSON the client is shown of it. */
  learn({ json, chunk }: ReadChunk, shown: string): void {
    if (this.#vainFrames === MAX_VAIN_FRAMES || this.#repeats(json)) return;
    const frame = frameOf(json, shown, chunk);
    if (!frame) return;
    this.#vainFrames++;
    this.#frame = this.#vainFrames === MAX_VAIN_FRAMES ? null : frame;
  }

  take(bytes: Buffer, from: number, to: number): false | Promise<void> | undefined {
    const sink = this.#sink;
    if (this.#frame === null || sink === null || !this.isBetweenEvents) return false;
    const end = this.#show(bytes, from, to);
    if (end === -1) return false;
    this.#vainFrames = 0;
    if (sink.takeBytes) return sink.takeBytes(shown, ROOM_BEFORE, end);
    return sink.take(shown.toString('utf8', ROOM_BEFORE, end));
  }

  /** Writes what is shown of these events behind the room in `shown`, and gives its end; -1 where one is no repetition. */
  #show(bytes: Buffer, from: number, to: number): number {
    const frame = this.#frame;
    if (frame === null) return -1;
    const { head, tail, shownHead, shownTail } = frame;
    let out = ROOM_BEFORE;
    let said = 0;
    let at = from;
    do {
      const start = at + head.length;
      if (start > to || bytes.compare(head, 0, head.length, at, start) !== 0) return -1;
      const end = plainEnd(bytes, start, to);
      at = end + tail.length;
      // The tail begins with the quote that ends the text.
      if (end === -1 || at > to || bytes.compare(tail, 0, tail.length, end, at) !== 0) return -1;
      if (out + shownHead.length + end - start + shownTail.length > MAX_SHOWN_BYTES) return -1;
      shown.set(shownHead, out);
      out += shownHead.length;
      out += bytes.copy(shown, out, start, frame.isSameTail ? at : end);
      if (!frame.isSameTail) {
        shown.set(shownTail, out);
        out += shownTail.length;
      }
      said += end - start;
    } while (at < to);
    this.#onText?.(said);
    return out;
  }

  #repeats(json: string): boolean {
    if (this.#frame === null) return false;
    const event = Buffer.from(dataEvent(json));
    const { head, tail } = this.#frame;
    return (
      event.length >= head.length + tail.length &&
      event.subarray(0, head.length).equals(head) &&
      event.subarray(-tail.length).equals(tail)
    );
  }
}

/** Longer ones are no tokens. */
const MAX_SHOWN_BYTES = 64 * 1024;

/** Written anew for each read: whoever takes it has sent or copied it when it returns. */
const shown = Buffer.allocUnsafeSlow(ROOM_BEFORE + MAX_SHOWN_BYTES + ROOM_BEHIND);

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Where the text ends that stands for itself in JSON: before a quote, an escape, or what must not be; -1 if it is no UTF-8. */
function plainEnd(bytes: Buffer, start: number, to: number): number {
  let isAscii = true;
  let end = start;
  for (; end < to; end++) {
    const byte = bytes[end] ?? 0;
    if (byte === QUOTE || byte === BACKSLASH || byte < SPACE) break;
    if (byte > 0x7f) isAscii = false;
  }
  return isAscii || isUtf8(bytes.subarray(start, end)) ? end : -1;
}

function frameOf(json: string, shownJson: string, chunk: Completion): Frame | null {
  const [choice, ...others] = chunk.choices ?? [];
  if (!choice || others.length > 0 || chunk.usage || choice.finish_reason) return null;
  const member = onlyText(choice);
  if (member === null) return null;
  const own = around(json, member);
  const theirs = around(shownJson, member);
  // So nothing of the text itself was changed.
  if (!own || !theirs || own.text !== theirs.text) return null;
  const isSameTail = own.tail.equals(theirs.tail);
  return { ...own, shownHead: theirs.head, shownTail: theirs.tail, isSameTail };
}

/** The one member of a delta in which a model says something; null where it is none, or several. */
function onlyText({ delta }: ChunkChoice): string | null {
  if (!delta || Array.isArray(delta['tool_calls'])) return null;
  const said = TEXTS.filter((member) => typeof delta[member] === 'string' && delta[member] !== '');
  const [only = null, ...others] = said;
  return others.length === 0 ? only : null;
}
const TEXTS = ['content', 'reasoning', 'reasoning_content', 'refusal'];

/** What stands in the event of a chunk around that text of its only choice. */
function around(json: string, member: string) {
  let start = 0;
  let end = json.length;
  // An array's text begins like that of its first element, as far as its members are concerned.
  for (const key of ['choices', 'delta', member]) {
    const found = membersOf(json.slice(start, end)).findLast((one) => one.key === key);
    if (!found) return null;
    [start, end] = [start + found.valueStart, start + found.valueEnd];
  }
  const event = dataEvent(json);
  const before = event.indexOf(json);
  return {
    head: Buffer.from(event.slice(0, before + start + 1)),
    text: json.slice(start, end),
    tail: Buffer.from(event.slice(before + end - 1)),
  };
}
