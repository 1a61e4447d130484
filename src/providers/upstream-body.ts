// The body of an upstream's reply as it arrives: under the time limits of its call, within the size limit where it was
// compressed, and read to its end in the background when nobody wants the rest, so that its connection can be kept.
import { driveSpring, piecesOf, type Pieces, type Spring } from '../domain/pieces.ts';
import { MAX_INFLATED_BYTES } from '../domain/limits.ts';
import { protocolError, transportError } from './failure.ts';
import type { GuardedCall } from './guarded-call.ts';

/** How long a finished stream may take to close before its socket is given up rather than reused. */
export const DRAIN_MS = 1_000;

export interface BodyReader {
  readonly upstream: string;
  readonly isCompressed: boolean;
}

export function readBody(
  body: Spring<Uint8Array>,
  call: GuardedCall,
  { upstream, isCompressed }: BodyReader,
): Pieces<Uint8Array> {
  let size = 0;

  function onPiece(piece: Uint8Array): Uint8Array {
    size += piece.length;
    if (isCompressed && size > MAX_INFLATED_BYTES) {
      call.abort(protocolError(upstream, 'sent a compressed reply beyond the size limit'));
      throw call.reason();
    }
    return piece;
  }
  function onEnd(): void {
    call.release();
  }
  function toldOf(error: unknown): unknown {
    call.release();
    return call.isAborted() ? call.reason() : transportError(error, upstream, true);
  }

  const onResult = (result: IteratorResult<Uint8Array, void>) => {
    if (result.done) onEnd();
    else {
      call.pause();
      onPiece(result.value);
    }
    return result;
  };
  const onFailure = (error: unknown): never => {
    throw toldOf(error);
  };

  return piecesOf({
    next() {
      call.expectPiece();
      return body.next().then(onResult, onFailure);
    },
    drive(sink) {
      call.expectPiece();
      const afterPiece = (full: Promise<void> | undefined) => {
        if (!full) call.expectPiece();
        else {
          call.pause();
          void full.then(() => call.expectPiece());
        }
        return full;
      };
      driveSpring(body, {
        take: (piece) => afterPiece(sink.take(onPiece(piece))),
        shortcut() {
          const next = isCompressed ? undefined : sink.shortcut?.();
          if (!next) return undefined;
          return (bytes, from, to) => {
            const full = next(bytes, from, to);
            return full === false ? false : afterPiece(full);
          };
        },
        end: () => (onEnd(), sink.end()),
        fail: (error) => sink.fail(toldOf(error)),
      });
    },
    close() {
      if (call.isAborted()) call.release();
      else closeInBackground(body, call);
    },
  });
}

/**
 * The consumer has all it wants. Usually only the end of the body is missing, and reading it lets the connection be
 * used again; whatever takes longer is cut.
 */
function closeInBackground(body: Spring<Uint8Array>, call: GuardedCall): void {
  const giveUp = setTimeout(
    () => call.abort(new Error('the body went on after its end')),
    DRAIN_MS,
  );
  const drain = async () => {
    while (!(await body.next()).done);
  };
  drain()
    // Aborted or reset: the answer was complete before, so nobody needs to know.
    .catch(() => undefined)
    .finally(() => {
      clearTimeout(giveUp);
      call.release();
    });
}
