// The body of a streamed reply: text from a source, `: ping` while the source is silent, and the source's error as
// the last event. Pulled by the client: whoever reads slowly holds the source back.
import type { Deadline, Deadlines } from '../domain/deadlines.ts';
import { driveInto, type Sink } from '../domain/pieces.ts';
import { PING } from './encode.ts';

/** Already encoded events, one or more at a time; must settle its pending `next` when its signal aborts. */
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

/** What a client that reads slowly has still to fetch before the source is held back, in bytes. */
const UNREAD_BYTES = 64 * 1024;

/** The body: what the opening holds, then the rest of the source. */
export function eventStream(
  opening: Opening,
  source: EventSource,
  options: EventStreamOptions,
): ReadableStream<Uint8Array> {
  const { deadlines, heartbeatMs } = options;
  let heartbeat: Deadline | undefined;
  let ended = false;
  let askForPull: (() => void) | undefined;
  let onRoom: (() => void) | undefined;

  function end(error?: unknown): void {
    ended = true;
    heartbeat?.disarm();
    options.onEnd(error);
  }

  /** Sends into the stream; its promise resolves when the client has fetched what is waiting. */
  function sinkOf(controller: ReadableStreamDefaultController<Uint8Array>): Sink<string> {
    return {
      take(text) {
        if (ended) return undefined;
        controller.enqueue(encoder.encode(text));
        if ((controller.desiredSize ?? 0) > 0) {
          heartbeat?.rearm(heartbeatMs);
          return undefined;
        }
        heartbeat?.disarm();
        askForPull?.();
        return new Promise((resolve) => {
          onRoom = () => {
            heartbeat?.rearm(heartbeatMs);
            resolve();
          };
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
        heartbeat = deadlines.arm(heartbeatMs, () => {
          if (ended) return;
          controller.enqueue(PING_BYTES);
          heartbeat?.rearm(heartbeatMs);
        });
        void driveAfter(opening.first, source, sinkOf(controller));
      },
      // A pull that does not settle is not called again: so nothing is called per event, but only, after `askForPull`,
      // when there is room again.
      pull() {
        onRoom?.();
        onRoom = undefined;
        return new Promise((resolve) => {
          askForPull = resolve;
        });
      },
      cancel() {
        if (ended) return;
        options.onCancel();
        end();
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
