// Splits a text/event-stream into events as it arrives, by the rules of the WHATWG HTML standard, section 9.2.6:
// LF, CR and CRLF end lines, a blank line ends an event, data lines are joined by LF, comments begin with a colon.
// Chunks may be cut anywhere. An event that the stream's end cuts off is dropped, as the standard has it.

export interface SseEvent {
  /** The joined data lines; null for a block that holds only comments or other fields. */
  readonly data: string | null;
  /** The event field, or null. */
  readonly type: string | null;
  /** The text of the comment lines, each without its colon. */
  readonly comments: readonly string[];
}

export interface EventSplitter {
  /** The events that `text` completes. Throws RangeError when an event grows beyond `maxEventChars`. */
  push(text: string): SseEvent[];
  /** Whether nothing of an event has come yet. */
  isBetweenEvents(): boolean;
}

const NO_COMMENTS: readonly string[] = [];

export function createEventSplitter(maxEventChars: number): EventSplitter {
  // Pieces of the event that is still incomplete. Kept apart until it ends, so that a large event is joined once.
  let pending: string[] = [];
  let pendingChars = 0;
  let started = false;
  let endedWithCr = false;

  /** Line ends as LF alone; a CR and an LF that two chunks share count once. */
  function normalised(text: string): string {
    let result = text;
    if (endedWithCr && result.startsWith('\n')) result = result.slice(1);
    if (text !== '') endedWithCr = text.endsWith('\r');
    if (result.includes('\r')) result = result.replaceAll(/\r\n?/g, '\n');
    if (!started && result !== '') {
      started = true;
      if (result.startsWith('\uFEFF')) result = result.slice(1);
    }
    return result;
  }

  function endsWithNewline(): boolean {
    return pending.at(-1)?.endsWith('\n') ?? false;
  }

  function keep(rest: string): void {
    if (rest === '') return;
    pending.push(rest);
    pendingChars += rest.length;
    if (pendingChars > maxEventChars) {
      throw new RangeError(`an event exceeds ${maxEventChars} characters`);
    }
  }

  function takePending(lastPiece: string): string {
    const block = pending.length === 0 ? lastPiece : pending.join('') + lastPiece;
    pending = [];
    pendingChars = 0;
    return block;
  }

  return {
    push(text) {
      const chunk = normalised(text);
      const events: SseEvent[] = [];
      let from = 0;
      // The blank line may straddle two chunks: "…\n" then "\n…".
      if (endsWithNewline() && chunk.startsWith('\n')) {
        addEvent(events, takePending(''));
        from = 1;
      }
      for (;;) {
        const end = chunk.indexOf('\n\n', from);
        if (end === -1) break;
        addEvent(events, takePending(chunk.slice(from, end)));
        from = end + 2;
      }
      keep(from === 0 ? chunk : chunk.slice(from));
      return events;
    },
    isBetweenEvents: () => started && pending.length === 0 && !endedWithCr,
  };
}

function addEvent(events: SseEvent[], block: string): void {
  if (block === '') return;
  // Nearly every event of an engine is one data line.
  if (block.startsWith('data: ') && !block.includes('\n')) {
    events.push({ data: block.slice(6), type: null, comments: NO_COMMENTS });
    return;
  }
  const data: string[] = [];
  const comments: string[] = [];
  let type: string | null = null;
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon === 0) {
      comments.push(line.slice(1));
      continue;
    }
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') data.push(value);
    else if (field === 'event') type = value;
  }
  if (data.length === 0 && comments.length === 0) return;
  events.push({ data: data.length === 0 ? null : data.join('\n'), type, comments });
}
