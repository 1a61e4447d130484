// The body of a streamed reply: text from a source, `: ping` while the source is silent, and the source's error as
// the last event. Pulled by the client: whoever reads slowly holds the source back.
import type { Deadline, Deadlines } from '../domain/deadlines.ts';
import { PING } from './encode.ts';

/** Already encoded events, one or more at a time; must settle its pending `next`, and its `return`, when its signal aborts. */
export type EventSource = AsyncIterator<string, void, undefined>;

export interface EventStreamOptions {
  readonly deadlines: Deadlines;
  readonly heartbeatMs: number;
  /** How long a client may leave unread what it was sent, in milliseconds. */
  readonly stallMs: number;
  /** The encoded event that tells the client of a failure; after it the stream ends. */
  renderError(error: unknown): string;
  /** Called once, however the stream ends; with the error that ended it, if any. */
  onEnd(error?: unknown): void;
  /** Called when the client went away; the source must be stopped by whoever owns it. */
  onCancel(): void;
  /** Called when the client has not read for `stallMs`: its connection closes, and the source must be stopped as well. */
  onStall(): void;
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
  let deadline: Deadline | undefined;
  let ended = false;
  /** Whether the client has not taken yet what was last enqueued: then it is awaited, else the source is. */
  let isUnread = false;

  function end(error?: unknown): void {
    if (ended) return;
    ended = true;
    deadline?.disarm();
    options.onEnd(error);
  }

  /** Nobody pulls any more: whatever the source holds, such as a place at an upstream, is given back by its end. */
  function leave(): void {
    end();
    // It was told why by its signal, and that is all that its error can say.
    source.return?.().catch(() => undefined);
  }

  /** One deadline for both: it is moved on with each event, and never disarmed between them. */
  function expect(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const ms = isUnread ? options.stallMs : options.heartbeatMs;
    if (deadline) deadline.rearm(ms);
    else deadline = options.deadlines.arm(ms, () => overdue(controller));
  }

  function overdue(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (ended) return;
    if (isUnread) {
      options.onStall();
      leave();
      controller.error(new Error('the client does not read'));
    } else {
      controller.enqueue(encoder.encode(PING));
      expect(controller);
    }
  }

  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (opening.silent) controller.enqueue(encoder.encode(PING));
    },
    async pull(controller) {
      isUnread = false;
      expect(controller);
      try {
        const next = upcoming ?? source.next();
        upcoming = undefined;
        const result = await next;
        if (ended) return;
        if (result.done) {
          end();
          controller.close();
        } else {
          controller.enqueue(encoder.encode(result.value));
          isUnread = true;
          expect(controller);
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
      leave();
    },
  });
}
