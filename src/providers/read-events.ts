// Reads a streamed reply as server-sent events: decoded, split, within the size limit, whatever dialect they speak.
import { GatewayError } from '../domain/errors.ts';
import { MAX_EVENT_CHARS } from '../domain/limits.ts';
import { type Pieces, type Shortcut } from '../domain/pieces.ts';
import { through } from '../domain/stages.ts';
import { createEventSplitter, type SseEvent } from '../sse/split.ts';
import { protocolError } from './failure.ts';
import type { UpstreamResponse } from './upstream.ts';

const LF = 0x0a;

/** How far an answer has come. */
export interface Completeness {
  /** Whether nothing is missing even if the upstream says no more. */
  isComplete(): boolean;
}

/** The events in batches of what arrived together; an event that the end cuts off is dropped. */
export function readEvents(
  response: UpstreamResponse,
  upstream: string,
  answer: Completeness,
): Pieces<readonly SseEvent[]> {
  const decoder = new TextDecoder();
  const splitter = createEventSplitter(MAX_EVENT_CHARS);
  let isBetweenEvents = false;
  let shortcut: Shortcut | undefined;
  return through<Uint8Array, readonly SseEvent[]>(response.chunks(), {
    take(bytes) {
      try {
        const events = splitter.push(decoder.decode(bytes, { stream: true }));
        isBetweenEvents = bytes.at(-1) === LF && splitter.isBetweenEvents();
        if (shortcut) shortcut.isBetweenEvents = isBetweenEvents;
        return events;
      } catch (cause) {
        response.discard();
        throw protocolError(upstream, 'sent an event beyond the size limit', cause);
      }
    },
    shortcut(sink) {
      shortcut = sink.shortcut?.();
      if (shortcut) shortcut.isBetweenEvents = isBetweenEvents;
      return shortcut;
    },
    close() {
      if (shortcut) shortcut.isBetweenEvents = false;
    },
    failed(error) {
      // A connection that breaks after the answer is complete has cut nothing off.
      const isCut = error instanceof GatewayError && error.code === 'upstream_interrupted';
      if (!isCut || !answer.isComplete()) throw error;
      return null;
    },
  });
}
