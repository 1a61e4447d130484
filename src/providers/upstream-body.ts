// The body of an upstream's reply as it arrives: under the time limits of its call, within the size limit where it was
// compressed, and read to its end in the background when nobody wants the rest, so that its connection can be kept.
import { END, piecesOf, type Pieces, type Sink } from '../domain/pieces.ts';
import { MAX_INFLATED_BYTES } from '../domain/limits.ts';
import { protocolError, transportError } from './failure.ts';
import type { GuardedCall } from './guarded-call.ts';

/** How long a finished stream may take to close before its socket is given up rather than reused. */
export const DRAIN_MS = 1_000;

type Reader = Pick<ReadableStreamDefaultReader<Uint8Array>, 'read'>;
type Read = Awaited<ReturnType<Reader['read']>>;

export interface BodyReader {
  readonly upstream: string;
  readonly isCompressed: boolean;
  /** Called when the body has been read to its end, so that its connection is free for the next request. */
  onWhole(): void;
}

export function readBody(
  reader: Reader | undefined,
  call: GuardedCall,
  { upstream, isCompressed, onWhole }: BodyReader,
): Pieces<Uint8Array> {
  if (!reader) {
    call.release();
    throw protocolError(upstream, 'sent no body');
  }
  let size = 0;

  function onRead({ done, value }: Read): IteratorResult<Uint8Array, void> {
    if (done) {
      onWhole();
      call.release();
      return END;
    }
    call.pause();
    size += value.length;
    if (isCompressed && size > MAX_INFLATED_BYTES) {
      call.abort(protocolError(upstream, 'sent a compressed reply beyond the size limit'));
      throw call.signal.reason;
    }
    return { done: false, value };
  }

  function onFailure(error: unknown): never {
    call.release();
    throw call.signal.aborted ? call.signal.reason : transportError(error, upstream, true);
  }

  function drive(sink: Sink<Uint8Array>): void {
    const more = (): void => {
      call.expectPiece();
      reader?.read().then(take, fail);
    };
    const take = (read: Read): void => {
      let full: Promise<void> | undefined;
      try {
        const { done, value } = onRead(read);
        if (done) return sink.end();
        full = sink.take(value);
      } catch (error) {
        return sink.fail(error);
      }
      if (full) void full.then(more);
      else more();
    };
    const fail = (error: unknown): void => {
      try {
        onFailure(error);
      } catch (told) {
        sink.fail(told);
      }
    };
    more();
  }

  return piecesOf({
    next() {
      call.expectPiece();
      return reader.read().then(onRead, onFailure);
    },
    drive,
    close() {
      if (call.signal.aborted) call.release();
      else closeInBackground(reader, call, onWhole);
    },
  });
}

/**
 * The consumer has all it wants. Usually only the end of the body is missing, and reading it lets the connection be
 * used again; whatever takes longer is cut.
 */
function closeInBackground(reader: Reader, call: GuardedCall, onWhole: () => void): void {
  const giveUp = setTimeout(
    () => call.abort(new Error('the body went on after its end')),
    DRAIN_MS,
  );
  const drain = async () => {
    while (!(await reader.read()).done);
  };
  drain()
    .then(onWhole)
    // Aborted or reset: the answer was complete before, so nobody needs to know.
    .catch(() => undefined)
    .finally(() => {
      clearTimeout(giveUp);
      call.release();
    });
}
