// The body of a streamed reply: text from a source, `: ping` while the source is silent, and the source's error as
// the last event. Pulled by the client: whoever reads slowly holds the source back.
import type { Deadline, Deadlines } from '../domain/deadlines.ts';
import { PING } from './encode.ts';

/**
 * Already encoded events, one or more at a time; must settle its pending `next` when its signal aborts, and lets go of
 * all that it holds when it is returned.
 */
export type EventSource = AsyncIterator<string, void, undefined>;

export interface EventStreamOptions {
  readonly deadlines: Deadlines;
  readonly heartbeatMs: number;
  /** The encoded event that tells the client of a failure; after it the stream ends. */
  renderError(error: unknown): string;
  /** Called once, however the stream ends; with the error that ended it, if any. */
  onEnd(error?: unknown): void;
  /** Called when the client went away; the source must be stopped by whoever owns it. */
  onCancel(): void;
}

/** What a source had to say within the heartbeat: a first result, or a promise of it still pending. */
export type Opening =
  | { readonly silent: false; readonly first: IteratorResult<string, void> }
  | { readonly silent: true; readonly first: Promise<IteratorResult<string, void>> };

/**
 * Waits for the first event, so that a failure before it becomes a plain HTTP error, but not for longer than a
 * heartbeat: a client behind a proxy needs headers and a ping by then. Rejects with the source's error.
 */
export async function awaitOpening(
  source: EventSource,
  { deadlines, heartbeatMs }: Pick<EventStreamOptions, 'deadlines' | 'heartbeatMs'>,
): Promise<Opening> {
  const first = source.next();
  let deadline: Deadline | undefined;
  const silence = new Promise<'silent'>((resolve) => {
    deadline = deadlines.arm(heartbeatMs, () => resolve('silent'));
  });
  try {
    const winner = await Promise.race([first, silence]);
    return winner === 'silent' ? { silent: true, first } : { silent: false, first: winner };
  } finally {
    deadline?.disarm();
  }
}

/** The body: what the opening holds, then the rest of the source. */
export function eventStream(
  opening: Opening,
  source: EventSource,
  options: EventStreamOptions,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let upcoming: Opening['first'] | undefined = opening.first;
  // It may fail before it is pulled, which is not yet: it is told then.
  if (opening.silent) opening.first.catch(() => undefined);
  let heartbeat: Deadline | undefined;
  let ended = false;

  function end(error?: unknown): void {
    if (ended) return;
    ended = true;
    heartbeat?.disarm();
    options.onEnd(error);
  }

  function beat(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (heartbeat) heartbeat.rearm(options.heartbeatMs);
    else {
      heartbeat = options.deadlines.arm(options.heartbeatMs, () => {
        if (ended) return;
        controller.enqueue(encoder.encode(PING));
        heartbeat?.rearm(options.heartbeatMs);
      });
    }
  }

  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (opening.silent) controller.enqueue(encoder.encode(PING));
    },
    async pull(controller) {
      beat(controller);
      try {
        const next = upcoming ?? source.next();
        upcoming = undefined;
        const result = await next;
        if (ended) return;
        heartbeat?.disarm();
        if (result.done) {
          end();
          controller.close();
        } else {
          controller.enqueue(encoder.encode(result.value));
        }
      } catch (error) {
        if (ended) return;
        controller.enqueue(encoder.encode(options.renderError(error)));
        end(error);
        controller.close();
      }
    },
    cancel() {
      if (ended) return;
      options.onCancel();
      end();
      // Somebody who does not read leaves the source between two pieces, where no signal reaches it: what it holds,
      // such as a place at an upstream, is let go of here. What it may fail with has nobody to be told.
      source.return?.().catch(() => undefined);
    },
  });
}
