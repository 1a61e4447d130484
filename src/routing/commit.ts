// The commit point: the first visible token. Until then nothing of a stream has been seen, and another target may
// still answer instead; from then on nobody else may speak.
import { MAX_HELD_BATCHES } from '../domain/limits.ts';
import type { ChatEvent, Completion } from '../providers/provider.ts';

type Batch = readonly ChatEvent[];
export type Batches = AsyncGenerator<Batch, void>;

/**
 * Reads until something visible has come and resolves to what was read. Rejects with what the stream throws before
 * that. A stream that ends without anything visible has ended well, or it would have thrown.
 */
export async function readToCommit(events: Batches): Promise<Batch[]> {
  const held: Batch[] = [];
  for (;;) {
    const { done, value } = await events.next();
    if (done) return held;
    held.push(value);
    if (value.some(isVisible) || held.length === MAX_HELD_BATCHES) return held;
  }
}

/** Role chunks, comments, empty deltas and usage are not visible; anything else is, known or not. */
export function isVisible(event: ChatEvent): boolean {
  return event.kind === 'chunk' && hasContent(event.chunk);
}

function hasContent({ choices = [] }: Completion): boolean {
  return choices.some(
    ({ delta, finish_reason }) =>
      Boolean(finish_reason) ||
      Object.entries(delta ?? {}).some(([member, value]) => member !== 'role' && !isEmpty(value)),
  );
}

function isEmpty(value: unknown): boolean {
  return (
    value === null ||
    value === undefined ||
    value === '' ||
    (Array.isArray(value) && value.length === 0)
  );
}

export interface StreamWatch {
  /** The stream failed after the commit point. */
  onFailure(error: unknown): void;
  /** Called once, however it ends, also when nobody reads it to its end. */
  onEnd(): void;
}

/**
 * The held batches, then the rest. An object rather than a generator: its `return` works before its first `next`, and
 * each batch costs one promise less.
 */
export function resumed(held: Batch[], rest: Batches, watch: StreamWatch): Batches {
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    watch.onEnd();
  };
  const onResult = (result: IteratorResult<Batch, void>): IteratorResult<Batch, void> => {
    if (result.done) end();
    return result;
  };
  const onFailure = (error: unknown): never => {
    watch.onFailure(error);
    end();
    throw error;
  };
  let at = 0;
  const stream: Batches = {
    next() {
      const value = held[at];
      if (value) {
        at++;
        return Promise.resolve({ done: false, value });
      }
      return rest.next().then(onResult, onFailure);
    },
    async return() {
      at = held.length;
      await rest.return();
      end();
      return { done: true, value: undefined };
    },
    async throw(error) {
      await stream.return();
      throw error;
    },
    [Symbol.asyncIterator]: () => stream,
    async [Symbol.asyncDispose]() {
      await stream.return();
    },
  };
  return stream;
}
