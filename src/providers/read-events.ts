// Reads a streamed reply as server-sent events: decoded, split, within the size limit, whatever dialect they speak.
import { GatewayError } from '../domain/errors.ts';
import { MAX_EVENT_CHARS } from '../domain/limits.ts';
import { createEventSplitter, type SseEvent } from '../sse/split.ts';
import { protocolError } from './failure.ts';
import type { UpstreamResponse } from './upstream.ts';

/** How far an answer has come. */
export interface Completeness {
  /** Whether nothing is missing even if the upstream says no more. */
  isComplete(): boolean;
}

/** The events in batches of what arrived together; an event that the end cuts off is dropped. */
export async function* readEvents(
  response: UpstreamResponse,
  upstream: string,
  answer: Completeness,
): AsyncGenerator<readonly SseEvent[], void> {
  const decoder = new TextDecoder();
  const splitter = createEventSplitter(MAX_EVENT_CHARS);
  for await (const bytes of chunksUntilCut(response, answer)) {
    const text = decoder.decode(bytes, { stream: true });
    let events: SseEvent[];
    try {
      events = splitter.push(text);
    } catch (cause) {
      response.discard();
      throw protocolError(upstream, 'sent an event beyond the size limit', cause);
    }
    yield events;
  }
}

/** The body; a connection that breaks after the answer is complete has cut nothing off. */
async function* chunksUntilCut(
  response: UpstreamResponse,
  answer: Completeness,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* response.chunks();
  } catch (error) {
    const isCut = error instanceof GatewayError && error.code === 'upstream_interrupted';
    if (!isCut || !answer.isComplete()) throw error;
  }
}
