// A stream of pieces that can be pulled, one promise after another, or driven: then each piece runs through all stages
// to the sink in one call, without a promise between them. Tokens come by the ten thousand, and what a layer costs, it
// costs each of them. A stage is a plain synchronous step, and works either way.

export interface Sink<T> {
  /** Takes a piece; a promise when nothing more should come until it resolves. */
  take(piece: T): Promise<void> | undefined;
  /** The same of text that is at hand as bytes, as `writeBytes` of a BodyWriter takes them; absent where it wants text. */
  takeBytes?(buffer: Buffer, from: number, to: number): Promise<void> | undefined;
  end(): void;
  /** Takes the last piece together with the end; absent where that is no gain over one after the other. */
  endWith?(last: T): void;
  fail(error: unknown): void;
  /** Asked once, when it begins to be driven. */
  shortcut?(): Shortcut | undefined;
}

/** Past all stages at once, for bytes of which is known what the stages would make of them. */
export interface Shortcut {
  /** Set by whoever splits bytes into events: whether those that came the long way ended with a whole one. */
  isBetweenEvents?: boolean;
  /** Offers bytes: false where they have to go the long way, and else what the sink's `take` gives. */
  take(bytes: Buffer, from: number, to: number): false | Promise<void> | undefined;
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

/** What all pieces have in common. Classes, since each stream has several: methods are shared where closures are not. */
export abstract class AnyPieces<T> implements Pieces<T> {
  abstract next(): Promise<IteratorResult<T, void>>;
  abstract drive(sink: Sink<T>): void;
  abstract return(): Promise<IteratorResult<T, void>>;
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

/** Pieces made of plain functions: `return` works before the first `next`, and while one is pending. */
export function piecesOf<T>(spring: Spring<T>): Pieces<T> {
  return new SpringPieces(spring);
}

class SpringPieces<T> extends AnyPieces<T> implements Sink<T> {
  readonly #spring: Spring<T>;
  #sink: Sink<T> | null = null;
  #isOver = false;

  constructor(spring: Spring<T>) {
    super();
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
  shortcut(): Shortcut | undefined {
    return this.#sink?.shortcut?.();
  }
  async return(): Promise<IteratorResult<T, void>> {
    if (!this.#isOver) {
      this.#isOver = true;
      await this.#spring.close();
    }
    return END;
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
  return new LaterPieces(begin);
}

class LaterPieces<T> extends AnyPieces<T> {
  readonly #begin: () => Promise<Pieces<T>>;
  #begun: Pieces<T> | null = null;
  #isOver = false;

  constructor(begin: () => Promise<Pieces<T>>) {
    super();
    this.#begin = begin;
  }

  async next(): Promise<IteratorResult<T, void>> {
    if (this.#isOver) return END;
    return await (await this.#pieces()).next();
  }
  drive(sink: Sink<T>): void {
    if (this.#isOver) sink.end();
    else if (this.#begun) this.#begun.drive(sink);
    else
      this.#pieces().then(
        (pieces) => pieces.drive(sink),
        (error) => sink.fail(error),
      );
  }
  async return(): Promise<IteratorResult<T, void>> {
    this.#isOver = true;
    await this.#begun?.return();
    return END;
  }

  async #pieces(): Promise<Pieces<T>> {
    if (this.#begun) return this.#begun;
    try {
      this.#begun = await this.#begin();
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
    // The reader left meanwhile.
    if (this.#isOver) await this.#begun.return();
    return this.#begun;
  }
}
