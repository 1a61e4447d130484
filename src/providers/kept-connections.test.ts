// A connection that the upstream closes as the next request goes out on it, and what must not be taken for that.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { createKeptConnections, type KeptConnections } from './kept-connections.ts';
import { reply, startClosingServer, type ClosingServer } from './testing/closing-server.ts';

let server: ClosingServer;
beforeAll(async () => {
  server = await startClosingServer();
});
beforeEach(() => server.reset());
afterAll(() => server.close());

/** One POST whose reply is read to its end. */
async function post(kept: KeptConnections): Promise<string> {
  const response = await kept.fetch(server.url, { method: 'POST', body: '{}' });
  const text = await response.text();
  kept.keep(response);
  return text;
}

async function expectClosed(kept: KeptConnections): Promise<void> {
  const failure = await post(kept).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'ECONNRESET' });
}

describe('a connection that is kept', () => {
  test.each(['closes', 'resets'])(
    'and %s as the next request comes costs it nothing',
    async (how) => {
      const kept = createKeptConnections();
      server.answer = (socket, before) => {
        if (before === 0) reply(socket);
        else if (how === 'closes') socket.destroy();
        else socket.resetAndDestroy();
      };
      for (let n = 0; n < 2; n++) expect(await post(kept)).toBe('ok');
      expect(server.requests).toEqual([0, 0, 1]);
    },
  );

  test('and is followed by a new one that closes too is a fault of the upstream', async () => {
    const kept = createKeptConnections();
    server.answer = (socket) => reply(socket);
    expect(await post(kept)).toBe('ok');
    server.answer = (socket) => socket.destroy();
    await expectClosed(kept);
    expect(server.requests).toEqual([0, 0, 1]);
    // Nothing is kept any more.
    await expectClosed(kept);
    expect(server.requests).toEqual([0, 0, 1, 2]);
  });
});

describe('a new connection that closes', () => {
  test('is a fault of the upstream at once', async () => {
    server.answer = (socket) => socket.destroy();
    await expectClosed(createKeptConnections());
    expect(server.requests).toEqual([0]);
  });

  test('is one as well after a reply that said it would close', async () => {
    const kept = createKeptConnections();
    server.answer = (socket) => reply(socket, 'connection: close\r\n');
    expect(await post(kept)).toBe('ok');
    server.answer = (socket) => socket.destroy();
    await expectClosed(kept);
    expect(server.requests).toEqual([0, 1]);
  });
});
