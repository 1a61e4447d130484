// A turn while it runs: frames go in from the one who asks the upstream, and out to any number of followers, each at
// its own pace. It belongs to no connection: a client that leaves does not end it.
import { GatewayError } from '../domain/errors.ts';

/** One event of a turn's stream: seq counts from 0, json is a chat.completion.chunk. */
export interface Frame {
  readonly seq: number;
  readonly json: string;
}

export type TurnEnd =
  /** The whole reply as JSON text. */
  | { readonly kind: 'completed'; readonly completion: string }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface LiveTurn {
  readonly id: string;
  readonly conversationId: string;
  /** Aborts when the turn is cancelled; its upstream call hangs on this. */
  readonly signal: AbortSignal;
  /** Resolves at the end; never rejects. */
  readonly ended: Promise<TurnEnd>;
  cancel(reason: unknown): void;
  /** The seq that the next frame will have. */
  nextSeq(): number;
  publish(frames: readonly Frame[]): void;
  end(end: TurnEnd): void;
  /** The frames from `seq` on, then the live tail. Throws the turn's error, or `signal`'s reason when it aborts. */
  follow(seq: number, signal: AbortSignal): AsyncGenerator<readonly Frame[], void>;
}

/** Why a turn ended that somebody cancelled. */
export class TurnCancelled extends Error {
  override readonly name = 'TurnCancelled';
}

export function createLiveTurn({
  id,
  conversationId,
}: Pick<LiveTurn, 'id' | 'conversationId'>): LiveTurn {
  const controller = new AbortController();
  const frames: Frame[] = [];
  const { promise: ended, resolve: resolveEnd } = Promise.withResolvers<TurnEnd>();
  let outcome: TurnEnd | undefined;
  let news = Promise.withResolvers<void>();

  function announce(): void {
    news.resolve();
    news = Promise.withResolvers();
  }

  return {
    id,
    conversationId,
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
      resolveEnd(end);
      announce();
    },
    async *follow(seq, signal) {
      // An abort wakes every follower; those whose signal it is not go on waiting.
      signal.addEventListener('abort', announce, { once: true });
      try {
        for (let next = seq; ;) {
          signal.throwIfAborted();
          if (next < frames.length) {
            const missed = frames.slice(next);
            next = frames.length;
            yield missed;
          } else if (outcome?.kind === 'failed') {
            throw toTurnError(outcome.error);
          } else if (outcome) {
            return;
          } else {
            await news.promise;
          }
        }
      } finally {
        signal.removeEventListener('abort', announce);
      }
    },
  };
}

/** What a follower is told when a turn did not complete. */
export function toTurnError(error: unknown): unknown {
  if (!(error instanceof TurnCancelled)) return error;
  return new GatewayError('upstream_interrupted', {
    message: 'The turn was cancelled before its answer was complete. What came before is kept.',
    cause: error,
  });
}
