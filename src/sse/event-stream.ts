// The body of a streamed reply: text from a source, `: ping` while the source is silent, and the source's error as
// the last event. The source is driven: it runs on until a client that reads slowly has enough waiting for it.
import type { Deadline, Deadlines } from '../domain/deadlines.ts';
import { driveInto, type Sink } from '../domain/pieces.ts';
import type { BodyWriter, StreamBody } from '../domain/stream-body.ts';
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
export function awaitOpening(
  source: EventSource,
  { deadlines, heartbeatMs }: Pick<EventStreamOptions, 'deadlines' | 'heartbeatMs'>,
): Promise<Opening> {
  const first = source.next();
  return new Promise((resolve, reject) => {
    const deadline = deadlines.arm(heartbeatMs, () => resolve({ silent: true, first }));
    const spoken = (result: IteratorResult<string, void>): Opening => {
      deadline.disarm();
      return { silent: false, first: result };
    };
    first.then(spoken).then(resolve, (error: unknown) => {
      deadline.disarm();
      reject(error);
    });
  });
}

/** What the opening holds, then the rest of the source. */
export class EventStream implements StreamBody, Sink<string> {
  readonly #opening: Opening;
  readonly #source: EventSource;
  readonly #options: EventStreamOptions;
  #out: BodyWriter | null = null;
  #deadline: Deadline | undefined;
  #hasEnded = false;
  /** Set while the client has to read before more is sent: then it is awaited, else the source is. */
  #onRoom: (() => void) | null = null;

  constructor(opening: Opening, source: EventSource, options: EventStreamOptions) {
    this.#opening = opening;
    this.#source = source;
    this.#options = options;
  }

  begin(out: BodyWriter): void {
    const { deadlines, heartbeatMs } = this.#options;
    this.#out = out;
    // One for both: it is moved on with each event, and never disarmed between them.
    this.#deadline = deadlines.arm(heartbeatMs, () => this.#overdue());
    if (!this.#opening.silent) return this.#goOn(this.#opening.first);
    out.write(PING);
    this.#opening.first.then(
      (first) => this.#goOn(first),
      (error: unknown) => this.fail(error),
    );
  }

  onRoom(): void {
    const resume = this.#onRoom;
    this.#onRoom = null;
    this.#deadline?.rearm(this.#options.heartbeatMs);
    resume?.();
  }

  onGone(): void {
    if (this.#hasEnded) return;
    this.#options.onCancel();
    this.#leave();
  }

  take(text: string): Promise<void> | undefined {
    if (this.#hasEnded || !this.#out) return undefined;
    return this.#afterWrite(this.#out.write(text));
  }
  takeBytes(buffer: Buffer, from: number, to: number): Promise<void> | undefined {
    if (this.#hasEnded || !this.#out) return undefined;
    return this.#afterWrite(this.#out.writeBytes(buffer, from, to));
  }
  #afterWrite(hasRoom: boolean): Promise<void> | undefined {
    const { heartbeatMs, stallMs } = this.#options;
    this.#deadline?.rearm(hasRoom ? heartbeatMs : stallMs);
    if (hasRoom) return undefined;
    return new Promise((resolve) => {
      this.#onRoom = resolve;
    });
  }

  end(): void {
    this.endWith('');
  }
  endWith(last: string): void {
    if (this.#hasEnded) return;
    this.#close();
    this.#out?.end(last);
  }

  fail(error: unknown): void {
    if (this.#hasEnded) return;
    const last = this.#options.renderError(error);
    this.#close(error);
    this.#out?.end(last);
  }

  #goOn({ done, value }: IteratorResult<string, void>): void {
    if (done) return this.end();
    const full = this.take(value);
    if (full) void full.then(() => driveInto(this.#source, this));
    else driveInto(this.#source, this);
  }

  #overdue(): void {
    if (this.#hasEnded) return;
    if (this.#onRoom) {
      this.#options.onStall();
      this.#leave();
      this.#out?.abort();
    } else {
      this.#out?.write(PING);
      this.#deadline?.rearm(this.#options.heartbeatMs);
    }
  }

  #close(error?: unknown): void {
    this.#hasEnded = true;
    this.#deadline?.disarm();
    this.#options.onEnd(error);
  }

  /** Nobody reads any more: whatever the source holds, such as a place at an upstream, is given back by its end. */
  #leave(): void {
    this.#close();
    // It was told why by its signal, and that is all that its error can say.
    this.#source.return?.().catch(() => undefined);
  }
}
