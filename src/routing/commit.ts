// The commit point: the first visible token. Until then nothing of a stream has been seen, and another target may
// still answer instead; from then on nobody else may speak.
import { MAX_HELD_BATCHES } from '../domain/limits.ts';
import { startingWith } from '../domain/pieces.ts';
import { through } from '../domain/stages.ts';
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

/** The held batches, then the rest. */
export function resumed(held: Batch[], rest: Batches, watch: StreamWatch): Batches {
  return through<Batch, Batch>(startingWith(held, rest), {
    take: (batch) => batch,
    shortcut: (sink) => sink.shortcut?.(),
    failed(error) {
      watch.onFailure(error);
      throw error;
    },
    close: () => watch.onEnd(),
  });
}
