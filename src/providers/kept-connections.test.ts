// A connection that the upstream closes as the next request goes out on it, and what must not be taken for that.
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { createKeptConnections, type KeptConnections } from './kept-connections.ts';

const REPLY = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n';

let url: string;
/** How many requests came, and on which connection each. */
let requests: number[];
let connections: number;
/** What happens to a request, given how many came before it on its connection. */
let answer: (socket: Socket, before: number) => void;
const server = createServer((socket) => {
  const connection = connections++;
  socket.on('error', () => socket.destroy());
  socket.on('data', () => {
    const before = requests.filter((number) => number === connection).length;
    requests.push(connection);
    answer(socket, before);
  });
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
beforeEach(() => {
  [requests, connections] = [[], 0];
});
afterAll(() => void server.close());

const replies = (socket: Socket, more = '') => void socket.write(`${REPLY}${more}\r\nok`);

/** One POST whose reply is read to its end. */
async function post(kept: KeptConnections): Promise<string> {
  const response = await kept.fetch(url, { method: 'POST', body: '{}' });
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
      answer = (socket, before) => {
        if (before === 0) replies(socket);
        else if (how === 'closes') socket.destroy();
        else socket.resetAndDestroy();
      };
      for (let n = 0; n < 2; n++) expect(await post(kept)).toBe('ok');
      expect(requests).toEqual([0, 0, 1]);
    },
  );

  test('and is followed by a new one that closes too is a fault of the upstream', async () => {
    const kept = createKeptConnections();
    answer = (socket) => replies(socket);
    expect(await post(kept)).toBe('ok');
    answer = (socket) => socket.destroy();
    await expectClosed(kept);
    expect(requests).toEqual([0, 0, 1]);
    // Nothing is kept any more.
    await expectClosed(kept);
    expect(requests).toEqual([0, 0, 1, 2]);
  });
});

describe('a new connection that closes', () => {
  test('is a fault of the upstream at once', async () => {
    answer = (socket) => socket.destroy();
    await expectClosed(createKeptConnections());
    expect(requests).toEqual([0]);
  });

  test('is one as well after a reply that said it would close', async () => {
    const kept = createKeptConnections();
    answer = (socket) => replies(socket, 'connection: close\r\n');
    expect(await post(kept)).toBe('ok');
    answer = (socket) => socket.destroy();
    await expectClosed(kept);
    expect(requests).toEqual([0, 1]);
  });
});
