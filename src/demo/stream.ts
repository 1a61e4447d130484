// A completion as a streamed HTTP body, paced by the shared ticker. A stream leaves the ticker while its client does
// not read, and for good when the client goes: nothing is generated that nobody takes.

import type { Ticker } from './ticker.ts';

/** Pieces that may wait for the socket; enough not to miss a tick, few enough that a slow client holds nothing. */
const MAX_WAITING_PIECES = 4;

export function pacedBody(
  pieces: Generator<string, void>,
  ticker: Ticker,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let resume = (): void => {};
  let left = false;
  let leave = (): void => {};

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        function step(): boolean {
          if (left || signal.aborted) return false;
          const next = pieces.next();
          if (next.done === true) {
            leave();
            controller.close();
            return false;
          }
          controller.enqueue(encoder.encode(next.value));
          return (controller.desiredSize ?? 0) > 0;
        }
        leave = () => {
          left = true;
          signal.removeEventListener('abort', leave);
          ticker.remove(step);
          pieces.return();
        };
        signal.addEventListener('abort', leave);
        // The first chunk goes at once: it is what tells the client that the answer has begun.
        step();
        resume = () => ticker.add(step);
      },
      pull: () => resume(),
      cancel: () => leave(),
    },
    { highWaterMark: MAX_WAITING_PIECES },
  );
}
