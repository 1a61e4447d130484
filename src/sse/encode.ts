// The events that we send. Data is JSON text or `[DONE]`, which never holds a line break.

export const DONE = '[DONE]';

/** One `data:` event; with an id where the stream can be resumed from it. */
export function dataEvent(data: string, id?: string): string {
  return id === undefined ? `data: ${data}\n\n` : `id: ${id}\ndata: ${data}\n\n`;
}

/** An event that stands for all that came before: a client starts over from it. */
export function snapshotEvent(data: string, id: string): string {
  return `event: snapshot\nid: ${id}\ndata: ${data}\n\n`;
}

/** A comment: clients ignore it, proxies see a sign of life. */
export function commentEvent(text: string): string {
  return `:${text}\n\n`;
}

export const PING = commentEvent(' ping');
