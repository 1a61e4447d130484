// A turn while it runs: frames go in from the one who asks the upstream, and out to any number of followers, each at
// its own pace. It belongs to no connection: a client that leaves does not end it. A turn that nobody follows for
// too long is an orphan, and is cancelled.
import { GatewayError } from '../domain/errors.ts';
import type { Deadline, Deadlines } from '../domain/deadlines.ts';
import { MAX_FOLLOWED_CHARS } from '../domain/limits.ts';
import type { TraceContext } from '../domain/trace-context.ts';

/** One event of a turn's stream. */
export interface Frame {
  /** Counts from 0 per turn. */
  readonly seq: number;
  /** A chat.completion.chunk as the turn's client is shown it. */
  readonly json: string;
}

export type TurnEnd =
  | { readonly kind: 'completed' }
  | { readonly kind: 'failed'; readonly failure: TurnFailure };

/** How a turn failed, as every follower is told of it: the same bytes now and after any number of resumptions. */
export class TurnFailure extends GatewayError {
  readonly error: GatewayError;
  /** The frame with the error's envelope, which comes after all others. */
  readonly frame: Frame;

  constructor(error: GatewayError, frame: Frame) {
    const { message, status, headers, cause, param, retryAfterMs } = error;
    super(error.code, {
      message,
      status,
      headers,
      cause,
      ...(param === null ? {} : { param }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
    this.name = 'TurnFailure';
    this.error = error;
    this.frame = frame;
  }
}

/** Why a turn was cancelled. */
export class TurnCancelled extends Error {
  override readonly name = 'TurnCancelled';

  toGatewayError(): GatewayError {
    return new GatewayError('turn_cancelled', {
      message: `The turn was cancelled (${this.message}). What was visible of its answer is kept.`,
      cause: this,
    });
  }
}

export interface LiveTurn {
  readonly id: string;
  /** The turn's own place in a trace; absent where nothing is traced. */
  readonly trace?: TraceContext | undefined;
  /** Aborts when the turn is cancelled; its upstream call hangs on this. */
  readonly signal: AbortSignal;
  /** Resolves when followers have been told of the end; never rejects. */
  readonly ended: Promise<TurnEnd>;
  cancel(reason: unknown): void;
  /** The seq that the next frame will have. */
  nextSeq(): number;
  publish(frames: readonly Frame[]): void;
  end(end: TurnEnd): void;
  /** Counts as a follower until the returned function is called. */
  attend(): () => void;
  /** The frames after `after` (-1 for all), then the live tail. Throws the turn's failure, or `signal`'s reason. */
  follow(after: number, signal: AbortSignal): AsyncGenerator<readonly Frame[], void>;
}

export interface LiveTurnOptions {
  readonly id: string;
  readonly trace?: TraceContext | undefined;
  readonly deadlines: Deadlines;
  /** How long the turn may run with nobody following it, in milliseconds. */
  readonly orphanMs: number;
}

export function createLiveTurn({ id, trace, deadlines, orphanMs }: LiveTurnOptions): LiveTurn {
  const controller = new AbortController();
  const frames: Frame[] = [];
  const { promise: ended, resolve: resolveEnd } = Promise.withResolvers<TurnEnd>();
  let outcome: TurnEnd | undefined;
  let news = Promise.withResolvers<void>();
  let followers = 0;
  const orphaned = (): void => controller.abort(new TurnCancelled('nobody followed it'));
  const orphanDeadline: Deadline = deadlines.arm(orphanMs, orphaned);

  function announce(): void {
    news.resolve();
    news = Promise.withResolvers();
  }

  function attend(): () => void {
    followers++;
    orphanDeadline.disarm();
    let attending = true;
    return () => {
      if (!attending) return;
      attending = false;
      followers--;
      if (followers === 0 && !outcome) orphanDeadline.rearm(orphanMs);
    };
  }

  return {
    id,
    trace,
    signal: controller.signal,
    ended,
    cancel: (reason) => controller.abort(reason),
    nextSeq: () => frames.length,
    publish(more) {
      frames.push(...more);
      announce();
    },
    end(end) {
      if (outcome) return;
      outcome = end;
      orphanDeadline.disarm();
      resolveEnd(end);
      announce();
    },
    attend,
    async *follow(after, signal) {
      const leave = attend();
      // An abort wakes every follower; those whose signal it is not go on waiting.
      signal.addEventListener('abort', announce, { once: true });
      try {
        for (let next = after + 1; ;) {
          signal.throwIfAborted();
          if (next < frames.length) {
            const missed = piece(frames, next);
            next += missed.length;
            yield missed;
          } else if (outcome?.kind === 'failed') {
            throw outcome.failure;
          } else if (outcome) {
            return;
          } else {
            await news.promise;
          }
        }
      } finally {
        signal.removeEventListener('abort', announce);
        leave();
      }
    },
  };
}

/** The frames from `start` on, as many as one write should hold: a follower far behind is fed in pieces. */
export function piece(frames: readonly Frame[], start: number): Frame[] {
  let end = start;
  for (let chars = 0; end < frames.length && chars < MAX_FOLLOWED_CHARS; end++) {
    chars += frames[end]?.json.length ?? 0;
  }
  return frames.slice(start, end);
}
