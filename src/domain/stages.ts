// Stages between a source of pieces and its reader: plain synchronous steps, which work pulled and driven alike.
import { AnyPieces, driveInto, END, type Pieces, type Shortcut, type Sink } from './pieces.ts';

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
  /** The way past this stage into the sink; absent where there is none. */
  shortcut?(sink: Sink<O>): Shortcut | undefined;
}

export interface Ending {
  readonly error?: unknown;
}

export function through<I, O>(
  source: AsyncGenerator<I, void> | Pieces<I>,
  stage: Stage<I, O>,
): Pieces<O> {
  return new StagedPieces(source, stage);
}

class StagedPieces<I, O> extends AnyPieces<O> implements Sink<I> {
  readonly #source: AsyncGenerator<I, void> | Pieces<I>;
  readonly #stage: Stage<I, O>;
  #sink: Sink<O> | null = null;
  /** How it ends: known with the last piece, which is handed on first. */
  #ending: Ending | null = null;
  /** Whether the reader has been told of the end, or has left. */
  #isOver = false;
  #isClosed = false;

  constructor(source: AsyncGenerator<I, void> | Pieces<I>, stage: Stage<I, O>) {
    super();
    this.#source = source;
    this.#stage = stage;
  }

  async next(): Promise<IteratorResult<O, void>> {
    if (this.#isOver) return END;
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
    if (this.#isOver) return sink.end();
    this.#sink = sink;
    if (this.#ending !== null) this.#finish(this.#ending);
    else driveInto(this.#source, this);
  }

  take(piece: I): Promise<void> | undefined {
    if (this.#isOver) return undefined;
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
    if (!this.#isOver) this.#sayLast(() => this.#afterEnd());
  }
  fail(error: unknown): void {
    if (!this.#isOver) this.#sayLast(() => this.#afterFailure(error));
  }
  shortcut(): Shortcut | undefined {
    return this.#sink ? this.#stage.shortcut?.(this.#sink) : undefined;
  }
  async return(): Promise<IteratorResult<O, void>> {
    if (this.#isOver) return END;
    const left = this.#source.return();
    this.#close();
    await left;
    return END;
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
      const sink = this.#sink;
      if (value !== null && sink?.endWith) {
        this.#close();
        sink.endWith(value);
        return;
      }
      if (value !== null) void sink?.take(value);
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
    if (this.#isOver) return;
    this.#close();
    if ('error' in how) this.#sink?.fail(how.error);
    else this.#sink?.end();
  }
  #close(): void {
    this.#isOver = true;
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stage.close?.();
  }
}
