// Reads a text/event-stream as far as the gateway sends one: `id:` and `data:` lines, comments in between. Small on
// purpose: the client has no dependency, so that it can be dropped into a page.

export interface ServerEvent {
  /** The id that a lost stream is resumed from; null where the event has none. */
  readonly id: string | null;
  readonly data: string;
}

/** The events of a body, in order. Ends when the body ends; throws what reading it throws. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<ServerEvent, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let pending = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (pending + decoder.decode(value, { stream: true })).split('\n\n');
      // The last piece is an event that is still on its way.
      pending = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = parseEvent(block);
        if (event) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(ignoreLateCancel);
  }
}

function parseEvent(block: string): ServerEvent | null {
  let id: string | null = null;
  const data: string[] = [];
  for (const line of block.split('\n')) {
    if (line.startsWith('id: ')) id = line.slice(4);
    else if (line.startsWith('data: ')) data.push(line.slice(6));
  }
  return data.length === 0 ? null : { id, data: data.join('\n') };
}

/** A body that broke cannot be cancelled; whoever read it has been told already. */
function ignoreLateCancel(): void {
  // Nothing is left to do.
}
