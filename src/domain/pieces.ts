// A stream of pieces that can be pulled, one promise after another, or driven: then each piece runs through all stages
// to the sink in one call, without a promise between them. Tokens come by the ten thousand, and what a layer costs, it
// costs each of them. A stage is a plain synchronous step, and works either way.

export interface Sink<T> {
  /** Takes a piece; a promise when nothing more should come until it resolves. */
  take(piece: T): Promise<void> | undefined;
  end(): void;
  fail(error: unknown): void;
}

export interface Pieces<T> extends AsyncGenerator<T, void> {
  /** Sends all that is still to come into the sink. Whoever drives pulls no more; `return` still ends it. */
  drive(sink: Sink<T>): void;
}

export const END: IteratorReturnResult<void> = { done: true, value: undefined };

export interface Spring<T> {
  /** The next piece, or END. */
  next(): Promise<IteratorResult<T, void>>;
  drive?(sink: Sink<T>): void;
  /** All of it, where that is there already: nothing is to be read any more. */
  whole?(): T | null;
  /** The reader wants no more; called at most once, and not after the end. */
  close(): unknown;
}

/** Pieces made of plain functions: `return` works before the first `next`, and while one is pending. */
export function piecesOf<T>(spring: Spring<T>): Pieces<T> {
  return new SpringPieces(spring);
}

/** A class, as what follows: each stream has several, and methods are shared where closures are not. */
class SpringPieces<T> implements Pieces<T>, Sink<T> {
  readonly #spring: Spring<T>;
  #sink: Sink<T> | null = null;
  #isOver = false;

  constructor(spring: Spring<T>) {
    this.#spring = spring;
  }

  async next(): Promise<IteratorResult<T, void>> {
    if (this.#isOver) return END;
    try {
      const result = await this.#spring.next();
      if (result.done) this.#isOver = true;
      return result;
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
  }
  drive(sink: Sink<T>): void {
    if (this.#isOver) return sink.end();
    this.#sink = sink;
    driveSpring(this.#spring, this);
  }
  take(piece: T): Promise<void> | undefined {
    return this.#isOver ? undefined : this.#sink?.take(piece);
  }
  end(): void {
    this.#isOver = true;
    this.#sink?.end();
  }
  fail(error: unknown): void {
    this.#isOver = true;
    this.#sink?.fail(error);
  }
  async return(): Promise<IteratorResult<T, void>> {
    if (!this.#isOver) {
      this.#isOver = true;
      await this.#spring.close();
    }
    return END;
  }
  async throw(error: unknown): Promise<IteratorResult<T, void>> {
    await this.return();
    throw error;
  }
  [Symbol.asyncIterator](): this {
    return this;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

export function driveSpring<T>(spring: Spring<T>, sink: Sink<T>): void {
  if (spring.drive) spring.drive(sink);
  else pullInto(spring, sink);
}

/** Sends what is still to come of any source into a sink. */
export function driveInto<T>(source: AsyncIterator<T, void> | Pieces<T>, sink: Sink<T>): void {
  if ('drive' in source) source.drive(sink);
  else pullInto(source, sink);
}

/** Drives what can only be pulled. */
function pullInto<T>(source: Pick<AsyncIterator<T, void>, 'next'>, sink: Sink<T>): void {
  const pull = async () => {
    for (;;) {
      const { done, value } = await source.next();
      if (done) return sink.end();
      await sink.take(value);
    }
  };
  pull().catch((error: unknown) => sink.fail(error));
}

/** What has been pulled of a source already, then the rest of it. */
export function startingWith<T>(held: readonly T[], rest: AsyncGenerator<T, void>): Pieces<T> {
  let at = 0;
  const spring: Spring<T> = {
    next() {
      const value = held[at++];
      return value === undefined ? rest.next() : Promise.resolve({ done: false, value });
    },
    drive(sink) {
      for (const piece of held.slice(at)) {
        const full = sink.take(piece);
        at++;
        if (!full) continue;
        void full.then(() => spring.drive?.(sink));
        return;
      }
      driveInto(rest, sink);
    },
    close: () => rest.return(),
  };
  return piecesOf(spring);
}

/** Pieces that are begun when the first of them is wanted. */
export function later<T>(begin: () => Promise<Pieces<T>>): Pieces<T> {
  let begun: Pieces<T> | undefined;
  return piecesOf({
    async next() {
      begun ??= await begin();
      return await begun.next();
    },
    drive(sink) {
      if (begun) begun.drive(sink);
      else
        begin().then(
          (pieces) => (begun = pieces).drive(sink),
          (error) => sink.fail(error),
        );
    },
    close: () => begun?.return(),
  });
}

/** What a stage makes of the pieces before it. Whatever it throws ends the stream. */
export interface Stage<I, O> {
  /** What comes of a piece; null for nothing. */
  take(piece: I): O | null;
  /** Asked after each piece: whether the stream ends here, with what error. */
  ending?(): Ending | null;
  /** The source has ended: what is said last, null for nothing. */
  end?(): O | null;
  /** The source has failed: throws, or takes it for an end and says something last. */
  failed?(error: unknown): O | null;
  /** Called once, after any end; also when the reader leaves. */
  close?(): void;
}

export interface Ending {
  readonly error?: unknown;
}

export function through<I, O>(
  source: AsyncGenerator<I, void> | Pieces<I>,
  stage: Stage<I, O>,
): Pieces<O> {
  return new SpringPieces(new StagedPieces(source, stage));
}

class StagedPieces<I, O> implements Spring<O>, Sink<I> {
  readonly #source: AsyncGenerator<I, void> | Pieces<I>;
  readonly #stage: Stage<I, O>;
  #sink: Sink<O> | null = null;
  /** How it ends: known with the last piece, which is handed on first. */
  #ending: Ending | null = null;
  #isClosed = false;

  constructor(source: AsyncGenerator<I, void> | Pieces<I>, stage: Stage<I, O>) {
    this.#source = source;
    this.#stage = stage;
  }

  async next(): Promise<IteratorResult<O, void>> {
    try {
      while (this.#ending === null) {
        const value = await this.#pulled();
        if (value !== null) return { done: false, value };
      }
    } catch (error) {
      void this.#source.return();
      this.#close();
      throw error;
    }
    this.#close();
    if ('error' in this.#ending) throw this.#ending.error;
    return END;
  }

  drive(sink: Sink<O>): void {
    this.#sink = sink;
    if (this.#ending !== null) this.#finish(this.#ending);
    else driveInto(this.#source, this);
  }

  take(piece: I): Promise<void> | undefined {
    if (this.#isClosed) return undefined;
    try {
      const value = this.#afterPiece(piece);
      const full = value === null ? undefined : this.#sink?.take(value);
      if (this.#ending !== null) this.#finish(this.#ending);
      return full;
    } catch (error) {
      this.#break(error);
      return undefined;
    }
  }
  end(): void {
    if (!this.#isClosed) this.#sayLast(() => this.#afterEnd());
  }
  fail(error: unknown): void {
    if (!this.#isClosed) this.#sayLast(() => this.#afterFailure(error));
  }

  async close(): Promise<void> {
    await this.#source.return();
    this.#close();
  }

  async #pulled(): Promise<O | null> {
    let result: IteratorResult<I, void>;
    try {
      result = await this.#source.next();
    } catch (error) {
      return this.#afterFailure(error);
    }
    return result.done ? this.#afterEnd() : this.#afterPiece(result.value);
  }
  #afterPiece(piece: I): O | null {
    const value = this.#stage.take(piece);
    this.#ending = this.#stage.ending?.() ?? null;
    if (this.#ending) void this.#source.return();
    return value;
  }
  #afterEnd(): O | null {
    const value = this.#stage.end?.() ?? null;
    this.#ending = {};
    return value;
  }
  #afterFailure(error: unknown): O | null {
    if (!this.#stage.failed) throw error;
    const value = this.#stage.failed(error);
    this.#ending = {};
    return value;
  }
  #sayLast(words: () => O | null): void {
    try {
      const value = words();
      if (value !== null) void this.#sink?.take(value);
      this.#finish(this.#ending ?? {});
    } catch (error) {
      this.#break(error);
    }
  }
  #break(error: unknown): void {
    void this.#source.return();
    this.#finish({ error });
  }
  #finish(how: Ending): void {
    if (this.#isClosed) return;
    this.#close();
    if ('error' in how) this.#sink?.fail(how.error);
    else this.#sink?.end();
  }
  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stage.close?.();
  }
}
