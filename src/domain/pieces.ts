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
  /** The reader wants no more; called at most once, and not after the end. */
  close(): unknown;
}

/** Pieces made of plain functions: `return` works before the first `next`, and while one is pending. */
export function piecesOf<T>(spring: Spring<T>): Pieces<T> {
  let isOver = false;
  const onResult = (result: IteratorResult<T, void>): IteratorResult<T, void> => {
    if (result.done) isOver = true;
    return result;
  };
  const onFailure = (error: unknown): never => {
    isOver = true;
    throw error;
  };
  const pieces: Pieces<T> = {
    next: () => (isOver ? Promise.resolve(END) : spring.next().then(onResult, onFailure)),
    drive(sink) {
      if (isOver) return sink.end();
      const over = (): void => {
        isOver = true;
      };
      const watched: Sink<T> = {
        take: (piece) => (isOver ? undefined : sink.take(piece)),
        end: () => (over(), sink.end()),
        fail: (error) => (over(), sink.fail(error)),
      };
      if (spring.drive) spring.drive(watched);
      else pullInto(spring, watched, () => isOver);
    },
    async return() {
      if (!isOver) {
        isOver = true;
        await spring.close();
      }
      return END;
    },
    async throw(error) {
      await pieces.return();
      throw error;
    },
    [Symbol.asyncIterator]: () => pieces,
    async [Symbol.asyncDispose]() {
      await pieces.return();
    },
  };
  return pieces;
}

export function driveSpring<T>(spring: Spring<T>, sink: Sink<T>): void {
  if (spring.drive) spring.drive(sink);
  else pullInto(spring, sink, () => false);
}

/** Drives what can only be pulled. */
function pullInto<T>(
  source: Pick<AsyncIterator<T, void>, 'next'>,
  sink: Sink<T>,
  isOver: () => boolean,
): void {
  const pull = async () => {
    while (!isOver()) {
      const { done, value } = await source.next();
      if (done) return sink.end();
      await sink.take(value);
    }
  };
  pull().catch((error: unknown) => sink.fail(error));
}

/** Sends what is still to come of any source into a sink. */
export function driveInto<T>(source: AsyncIterator<T, void> | Pieces<T>, sink: Sink<T>): void {
  if ('drive' in source) source.drive(sink);
  else pullInto(source, sink, () => false);
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
      else begin().then((pieces) => (begun = pieces).drive(sink), sink.fail);
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
  /** How it ends: known with the last piece, which is handed on first. */
  const state: { ending: Ending | null } = { ending: null };
  let isClosed = false;

  function close(): void {
    if (isClosed) return;
    isClosed = true;
    stage.close?.();
  }
  const lastWords = (result: Ending, value: O | null): O | null => {
    state.ending = result;
    return value;
  };
  function afterPiece(piece: I): O | null {
    const value = stage.take(piece);
    state.ending = stage.ending?.() ?? null;
    if (state.ending) void source.return();
    return value;
  }
  const afterEnd = (): O | null => lastWords({}, stage.end?.() ?? null);
  function afterFailure(error: unknown): O | null {
    if (!stage.failed) throw error;
    return lastWords({}, stage.failed(error));
  }

  async function next(): Promise<IteratorResult<O, void>> {
    try {
      while (state.ending === null) {
        const value = await pulledOne();
        if (value !== null) return { done: false, value };
      }
    } catch (error) {
      void source.return();
      close();
      throw error;
    }
    close();
    if ('error' in state.ending) throw state.ending.error;
    return END;
  }
  function pulledOne(): Promise<O | null> {
    return source
      .next()
      .then((result) => (result.done ? afterEnd() : afterPiece(result.value)), afterFailure);
  }

  function drive(sink: Sink<O>): void {
    function finish(how: Ending): void {
      if (isClosed) return;
      close();
      if ('error' in how) sink.fail(how.error);
      else sink.end();
    }
    function broken(error: unknown): void {
      void source.return();
      finish({ error });
    }
    function end(step: () => O | null): void {
      try {
        const value = step();
        if (value !== null) void sink.take(value);
        finish(state.ending ?? {});
      } catch (error) {
        broken(error);
      }
    }
    if (state.ending !== null) return finish(state.ending);
    driveInto(source, {
      take(piece) {
        if (isClosed) return undefined;
        try {
          const value = afterPiece(piece);
          const full = value === null ? undefined : sink.take(value);
          if (state.ending !== null) finish(state.ending);
          return full;
        } catch (error) {
          broken(error);
          return undefined;
        }
      },
      end: () => isClosed || end(afterEnd),
      fail: (error) => isClosed || end(() => afterFailure(error)),
    });
  }

  return piecesOf({
    next,
    drive,
    async close() {
      await source.return();
      close();
    },
  });
}
