// The body of a streamed reply: text from a source, `: ping` while the source is silent, and the source's error as
// the last event. The source is driven: it runs on until a client that reads slowly has enough waiting for it.
import type { Deadline, Deadlines } from '../domain/deadlines.ts';
import { driveInto, type Sink } from '../domain/pieces.ts';
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

/** What a client that reads slowly has still to fetch before the source is held back, in bytes. */
const UNREAD_BYTES = 16 * 1024;

/** The body: what the opening holds, then the rest of the source. */
export function eventStream(
  opening: Opening,
  source: EventSource,
  options: EventStreamOptions,
): ReadableStream<Uint8Array> {
  const { deadlines, heartbeatMs, stallMs } = options;
  let deadline: Deadline | undefined;
  let ended = false;
  /** Whether the client has to read before more is sent: then it is awaited, else the source is. */
  let isFull = false;
  let askForPull: (() => void) | undefined;
  let onRoom: (() => void) | undefined;

  function end(error?: unknown): void {
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

  function overdue(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (ended) return;
    if (isFull) {
      options.onStall();
      leave();
      controller.error(new Error('the client does not read'));
    } else {
      controller.enqueue(PING_BYTES);
      deadline?.rearm(heartbeatMs);
    }
  }

  /** Sends into the stream; its promise resolves when the client has fetched what is waiting. */
  function sinkOf(controller: ReadableStreamDefaultController<Uint8Array>): Sink<string> {
    return {
      take(text) {
        if (ended) return undefined;
        controller.enqueue(encoder.encode(text));
        isFull = (controller.desiredSize ?? 0) <= 0;
        deadline?.rearm(isFull ? stallMs : heartbeatMs);
        if (!isFull) return undefined;
        askForPull?.();
        return new Promise((resolve) => {
          onRoom = resolve;
        });
      },
      end() {
        if (ended) return;
        end();
        controller.close();
      },
      fail(error) {
        if (ended) return;
        controller.enqueue(encoder.encode(options.renderError(error)));
        end(error);
        controller.close();
      },
    };
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (opening.silent) controller.enqueue(PING_BYTES);
        // One for both: it is moved on with each event, and never disarmed between them.
        deadline = deadlines.arm(heartbeatMs, () => overdue(controller));
        void driveAfter(opening.first, source, sinkOf(controller));
      },
      // A pull that does not settle is not called again: so nothing is called per event, but only, after `askForPull`,
      // when there is room again.
      pull() {
        if (isFull) {
          isFull = false;
          deadline?.rearm(heartbeatMs);
          onRoom?.();
        }
        return new Promise((resolve) => {
          askForPull = resolve;
        });
      },
      cancel() {
        if (ended) return;
        options.onCancel();
        leave();
      },
    },
    { highWaterMark: UNREAD_BYTES, size: (bytes) => bytes?.length ?? 0 },
  );
}

async function driveAfter(
  first: IteratorResult<string, void> | Promise<IteratorResult<string, void>>,
  source: EventSource,
  sink: Sink<string>,
): Promise<void> {
  try {
    const { done, value } = await first;
    if (done) return sink.end();
    await sink.take(value);
    driveInto(source, sink);
  } catch (error) {
    sink.fail(error);
  }
}

const encoder = new TextEncoder();
const PING_BYTES = encoder.encode(PING);
