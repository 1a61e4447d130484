// Reads a text/event-stream. Small on purpose: the client has no dependency, so that it can be dropped into a page.
import type { Connection } from './connection.ts';

export interface ServerEvent {
  /** The id that a lost stream is resumed from; null where the event has none. */
  readonly id: string | null;
  /** It stands for all that came before. */
  readonly isSnapshot: boolean;
  readonly data: string;
}

/** The events of a body, in order; one that has not come whole is none. Ends when the body does. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  connection: Pick<Connection, 'hear'>,
): AsyncGenerator<ServerEvent, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const lines = new Lines();
  let fields: string[] = [];
  for (;;) {
    const { done, value } = await connection.hear(reader.read());
    if (done) return;
    for (const line of lines.take(decoder.decode(value, { stream: true }))) {
      if (line !== '') {
        fields.push(line);
        continue;
      }
      const event = eventOf(fields);
      fields = [];
      if (event) yield event;
    }
  }
}

/** Puts lines together, whichever of the three line ends they have and wherever they were cut. */
class Lines {
  #started = '';
  #endedInReturn = false;

  take(text: string): string[] {
    if (text === '') return [];
    const rest = this.#endedInReturn && text.startsWith('\n') ? text.slice(1) : text;
    this.#endedInReturn = text.endsWith('\r');
    const [first = '', ...more] = rest.split(/\r\n|\n|\r/);
    const last = more.pop();
    this.#started += first;
    if (last === undefined) return [];
    const whole = [this.#started, ...more];
    this.#started = last;
    return whole;
  }
}

function eventOf(lines: readonly string[]): ServerEvent | null {
  let id: string | null = null;
  let isSnapshot = false;
  const data: string[] = [];
  for (const line of lines) {
    const [name, value] = fieldOf(line);
    if (name === 'id') id = value;
    else if (name === 'event') isSnapshot = value === 'snapshot';
    else if (name === 'data') data.push(value);
  }
  return data.length === 0 ? null : { id, isSnapshot, data: data.join('\n') };
}

/** A comment is a field without a name. */
function fieldOf(line: string): [string, string] {
  const colon = line.indexOf(':');
  if (colon === -1) return [line, ''];
  return [line.slice(0, colon), line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)];
}
