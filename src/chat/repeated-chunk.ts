// The short cut of a stream's chunks. Engines send the same bytes with every token, but for its text: what comes before
// and behind that text has been parsed, checked and shown once, and need not be again. A chunk of which the long way
// would make anything else goes the long way.
// bench/chunks.ts measures what that saves.
import type { Shortcut, Sink } from '../domain/pieces.ts';
import { membersOf } from '../json/members.ts';
import type { ChunkChoice, Completion } from '../providers/provider.ts';
import { dataEvent } from '../sse/encode.ts';

export interface Repeats {
  /** Told of each chunk that came the long way, and what JSON the client is shown of it. */
  learn(chunk: ReadChunk, shown: string): void;
  shortcutTo(sink: Sink<string>): Shortcut;
}

interface ReadChunk {
  readonly json: string;
  readonly chunk: Completion;
}

/** An event before and behind its text, which stands between quotes, as it comes and as it is shown. */
interface Frame {
  readonly head: string;
  readonly tail: string;
  readonly shownHead: string;
  readonly shownTail: string;
}

/** After so many frames that no chunk repeated, a stream is left alone: some put new bytes elsewhere into each chunk. */
const MAX_VAIN_FRAMES = 6;

/** For one stream. `onText` is told of the text that comes by the short cut. */
export function watchRepeats(onText: ((text: string) => void) | null): Repeats {
  let frame: Frame | null = null;
  let vain = 0;

  /** What is shown of events that all repeat the frame; null where one does not. */
  function shownOf(text: string, { head, tail, shownHead, shownTail }: Frame): string | null {
    let shown = '';
    let said = '';
    let at = 0;
    do {
      if (!text.startsWith(head, at)) return null;
      const start = at + head.length;
      const end = plainEnd(text, start);
      // The tail begins with the quote that ends the text.
      if (!text.startsWith(tail, end)) return null;
      const token = text.slice(start, end);
      shown += shownHead + token + shownTail;
      if (onText) said += token;
      at = end + tail.length;
    } while (at < text.length);
    onText?.(said);
    return shown;
  }

  return {
    learn({ json, chunk }, shown) {
      if (vain === MAX_VAIN_FRAMES) return;
      const event = dataEvent(json);
      if (frame && event.startsWith(frame.head) && event.endsWith(frame.tail)) return;
      const next = frameOf(json, shown, chunk);
      if (!next) return;
      vain++;
      frame = next;
    },
    shortcutTo: (sink) => (bytes, from, to) => {
      if (frame === null || vain === MAX_VAIN_FRAMES) return false;
      const shown = shownOf(bytes.toString('utf8', from, to), frame);
      if (shown === null) return false;
      vain = 0;
      return sink.take(shown);
    },
  };
}

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Stands for bytes that are no UTF-8: they are for the decoder of the long way. */
const NO_UTF8 = 0xfffd;

/** Where the text ends that stands for itself in JSON: before a quote, an escape, or what JSON does not allow there. */
function plainEnd(text: string, start: number): number {
  let end = start;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === QUOTE || code === BACKSLASH || code < SPACE || code === NO_UTF8) break;
  }
  return end;
}

function frameOf(json: string, shown: string, chunk: Completion): Frame | null {
  const [choice, ...others] = chunk.choices ?? [];
  if (!choice || others.length > 0 || chunk.usage || choice.finish_reason) return null;
  if (json.includes(String.fromCharCode(NO_UTF8))) return null;
  const member = onlyText(choice);
  const [own, theirs] = member === null ? [] : [textPlace(json, member), textPlace(shown, member)];
  if (!own || !theirs) return null;
  // So nothing of the text itself was changed.
  if (json.slice(own.start, own.end) !== shown.slice(theirs.start, theirs.end)) return null;
  const [event, shownEvent] = [dataEvent(json), dataEvent(shown)];
  const before = event.indexOf(json);
  return {
    head: event.slice(0, before + own.start),
    tail: event.slice(before + own.end),
    shownHead: shownEvent.slice(0, before + theirs.start),
    shownTail: shownEvent.slice(before + theirs.end),
  };
}

/** The one member of a delta in which a model says something; null where it is none, or several. */
function onlyText({ delta }: ChunkChoice): string | null {
  if (!delta || Array.isArray(delta['tool_calls'])) return null;
  const said = TEXTS.filter((member) => typeof delta[member] === 'string' && delta[member] !== '');
  const [only = null, ...others] = said;
  return others.length === 0 ? only : null;
}
const TEXTS = ['content', 'reasoning', 'reasoning_content', 'refusal'];

/** Where the text of a chunk's only choice stands in its JSON, without the quotes. */
function textPlace(json: string, member: string): { start: number; end: number } | null {
  let start = 0;
  let end = json.length;
  // An array's text begins like that of its first element, as far as its members are concerned.
  for (const key of ['choices', 'delta', member]) {
    const found = membersOf(json.slice(start, end)).findLast((one) => one.key === key);
    if (!found) return null;
    [start, end] = [start + found.valueStart, start + found.valueEnd];
  }
  return { start: start + 1, end: end - 1 };
}
