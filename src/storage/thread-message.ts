// How a message crosses between the event loop's thread and the writer's: as JSON text where that can hold it and it is
// short, because a text is handed over as it is, while an object is taken apart and put together again, which costs
// twice as much.
import type { Command, ToWriter } from './writer-protocol.ts';

/** Longer texts are copied faster than their quotes are escaped. */
const MAX_TEXT_CHARS = 32 * 1024;

export function packed(message: ToWriter): ToWriter | string {
  if (message.type !== 'batch') return message;
  let chars = 0;
  for (const command of message.batch.commands) chars += charsOf(command);
  return chars > MAX_TEXT_CHARS ? message : JSON.stringify(message);
}

export function unpacked<T extends object>(data: T | string): T {
  return typeof data === 'string' ? (JSON.parse(data) as T) : data;
}

/** About how long it is; what holds bytes is no text at all. */
function charsOf({ kind, input }: Command): number {
  if (kind === 'append') return input.reduce((sum, { payload }) => sum + payload.length, 0);
  if (kind === 'accept') return input.blobs.length > 0 ? Infinity : nodesChars(input.input);
  if (kind === 'finish') {
    const { blobs, output } = input;
    return blobs.length > 0 ? Infinity : nodesChars(output ? [output] : []);
  }
  return kind === 'restore' ? Infinity : 0;
}

function nodesChars(nodes: readonly { wire: string; text: string; extra: string | null }[]) {
  return nodes.reduce((sum, { wire, text, extra }) => {
    return sum + wire.length + text.length + (extra?.length ?? 0);
  }, 0);
}
