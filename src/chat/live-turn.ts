// A turn while it runs: frames go in from the one who asks the upstream, and out to any number of followers, each at
// its own pace. It belongs to no connection: a client that leaves does not end it. A turn that nobody follows for
// too long is an orphan, and is cancelled.
import type { Stop } from '../domain/stop.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Deadline, Deadlines } from '../domain/deadlines.ts';
import { piecesOf, type Pieces } from '../domain/pieces.ts';
import type { TraceContext } from '../domain/trace-context.ts';
import { TurnFollower, type Frame } from './turn-follower.ts';

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
  /** The frames after `after` (-1 for all), then the live tail. Throws the turn's failure, or `signal`'s reason. */
  follow(after: number, signal: Stop): Pieces<readonly Frame[]>;
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
  const followers = new Set<() => void>();
  const orphaned = (): void => controller.abort(new TurnCancelled('nobody followed it'));
  const orphanDeadline: Deadline = deadlines.arm(orphanMs, orphaned);

  function announce(): void {
    for (const wake of followers) wake();
  }

  function join(wake: () => void): () => void {
    followers.add(wake);
    orphanDeadline.disarm();
    return () => {
      const wasThere = followers.delete(wake);
      if (wasThere && followers.size === 0 && !outcome) orphanDeadline.rearm(orphanMs);
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
    follow: (after, signal) =>
      piecesOf(new TurnFollower({ frames, end: () => outcome, join }, after, signal)),
  };
}
