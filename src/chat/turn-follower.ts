// One follower of a turn that runs here: what it has missed, then each frame as it is published, at its own pace. It is
// woken by the turn, and driven frames go to its socket in the call that publishes them.
import type { Stop } from '../domain/stop.ts';
import { END, type Sink, type Spring } from '../domain/pieces.ts';
import { MAX_FOLLOWED_CHARS } from '../domain/limits.ts';

/** One event of a turn's stream. */
export interface Frame {
  /** Counts from 0 per turn. */
  readonly seq: number;
  /** A chat.completion.chunk as the turn's client is shown it. */
  readonly json: string;
}

type FollowedEnd =
  | { readonly kind: 'completed' }
  | { readonly kind: 'failed'; readonly failure: Error };

/** What a follower reads: it grows, and has an end at last. */
export interface FollowedTurn {
  readonly frames: readonly Frame[];
  end(): FollowedEnd | undefined;
  /** Counts as a follower, which is woken with all news, until the returned function is called. */
  join(wake: () => void): () => void;
}

type Step = IteratorResult<readonly Frame[], void> | 'nothing new';

export class TurnFollower implements Spring<readonly Frame[]> {
  readonly #turn: FollowedTurn;
  readonly #signal: Stop;
  readonly #wake = () => this.#changed();
  #next: number;
  #leave: (() => void) | null = null;
  #waiting: PromiseWithResolvers<IteratorResult<readonly Frame[], void>> | null = null;
  #sink: Sink<readonly Frame[]> | null = null;
  #isHeldBack = false;

  /** The frames after `after` (-1 for all). */
  constructor(turn: FollowedTurn, after: number, signal: Stop) {
    this.#turn = turn;
    this.#next = after + 1;
    this.#signal = signal;
  }

  next(): Promise<IteratorResult<readonly Frame[], void>> {
    this.#join();
    this.#waiting = Promise.withResolvers();
    const { promise } = this.#waiting;
    this.#changed();
    return promise;
  }

  drive(sink: Sink<readonly Frame[]>): void {
    this.#join();
    this.#sink = sink;
    this.#changed();
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#wake);
    this.#leave?.();
    this.#leave = null;
    this.#sink = null;
  }

  #join(): void {
    if (this.#leave) return;
    this.#leave = this.#turn.join(this.#wake);
    this.#signal.addEventListener('abort', this.#wake, { once: true });
  }

  #changed(): void {
    if (this.#sink) this.#push(this.#sink);
    else if (this.#waiting) this.#answer(this.#waiting);
  }

  #answer(waiting: PromiseWithResolvers<IteratorResult<readonly Frame[], void>>): void {
    try {
      const step = this.#step();
      if (step === 'nothing new') return;
      this.#waiting = null;
      waiting.resolve(step);
    } catch (error) {
      this.#waiting = null;
      waiting.reject(error);
    }
  }

  /** A sink that takes a piece may end what it follows, and so come back here. */
  #push(sink: Sink<readonly Frame[]>): void {
    try {
      while (!this.#isHeldBack && this.#sink) {
        const step = this.#step();
        if (step === 'nothing new') return;
        if (step.done) return sink.end();
        const full = sink.take(step.value);
        if (full) void this.#holdBack(full);
      }
    } catch (error) {
      sink.fail(error);
    }
  }

  async #holdBack(full: Promise<void>): Promise<void> {
    this.#isHeldBack = true;
    await full;
    this.#isHeldBack = false;
    this.#changed();
  }

  /** Throws the turn's failure, or the signal's reason; after that, and after the end, nothing is followed any more. */
  #step(): Step {
    const { frames } = this.#turn;
    if (!this.#signal.aborted && this.#next < frames.length) {
      const value = piece(frames, this.#next);
      this.#next += value.length;
      return { done: false, value };
    }
    const end = this.#turn.end();
    if (!this.#signal.aborted && !end) return 'nothing new';
    this.close();
    this.#signal.throwIfAborted();
    if (end?.kind === 'failed') throw end.failure;
    return END;
  }
}

/** The frames from `start` on, as many as one write should hold: a follower far behind is fed in pieces. */
export function piece(frames: readonly Frame[], start: number): readonly Frame[] {
  let end = start;
  for (let chars = 0; end < frames.length && chars < MAX_FOLLOWED_CHARS; end++) {
    chars += frames[end]?.json.length ?? 0;
  }
  return frames.slice(start, end);
}
