// Reads a streamed reply as server-sent events: decoded, split, within the size limit, whatever dialect they speak.
import { GatewayError } from '../domain/errors.ts';
import { MAX_EVENT_CHARS } from '../domain/limits.ts';
import { type Pieces } from '../domain/pieces.ts';
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
  /** Whether all that came was whole events: then what comes next can be read without what came before. */
  let isBetween = false;
  return through<Uint8Array, readonly SseEvent[]>(response.chunks(), {
    take(bytes) {
      isBetween = false;
      try {
        const events = splitter.push(decoder.decode(bytes, { stream: true }));
        isBetween = bytes.at(-1) === LF && splitter.isBetweenEvents();
        return events;
      } catch (cause) {
        response.discard();
        throw protocolError(upstream, 'sent an event beyond the size limit', cause);
      }
    },
    shortcut(sink) {
      const next = sink.shortcut?.();
      return next && ((bytes, from, to) => isBetween && next(bytes, from, to));
    },
    close() {
      isBetween = false;
    },
    failed(error) {
      // A connection that breaks after the answer is complete has cut nothing off.
      const isCut = error instanceof GatewayError && error.code === 'upstream_interrupted';
      if (!isCut || !answer.isComplete()) throw error;
      return null;
    },
  });
}
