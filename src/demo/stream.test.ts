import { expect, test } from 'bun:test';

import { pacedBody } from './stream.ts';
import { createTicker } from './ticker.ts';

/** An endless stream that counts what is taken from it, and tells when it is left. */
function endless(): { pieces: Generator<string, void>; taken: () => number; left: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let taken = 0;
  function* pieces(): Generator<string, void> {
    try {
      for (;;) {
        taken += 1;
        yield 'piece ';
      }
    } finally {
      resolve();
    }
  }
  return { pieces: pieces(), taken: () => taken, left: promise };
}

test('a client that disconnects ends the generation at once', async () => {
  const ticker = createTicker(0);
  const source = endless();
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request) => new Response(pacedBody(source.pieces, ticker, request.signal)),
  });
  const abort = new AbortController();
  const response = await fetch(server.url, { signal: abort.signal });
  await response.body?.getReader().read();
  abort.abort();
  await source.left;
  expect(source.pieces.next().done).toBe(true);
  await server.stop(true);
  ticker.close();
});

test('nothing is generated ahead for a client that does not read', async () => {
  const ticker = createTicker(0);
  const source = endless();
  const reader = pacedBody(source.pieces, ticker, new AbortController().signal).getReader();
  await rounds(50);
  const waiting = source.taken();
  expect(waiting).toBeLessThan(10);
  await rounds(50);
  expect(source.taken()).toBe(waiting);
  await reader.read();
  await rounds(5);
  expect(source.taken()).toBe(waiting + 1);
  await reader.cancel();
  await source.left;
  ticker.close();
});

/** Lets the event loop go round, which is when the ticker of interval 0 ticks. */
async function rounds(count: number): Promise<void> {
  for (let round = 0; round < count; round += 1) {
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
}
