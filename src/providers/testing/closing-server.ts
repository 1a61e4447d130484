// A server that tells which connection each request came on, and does with it what a test says: replies, closes, resets.
import { createServer, type AddressInfo, type Socket } from 'node:net';

const REPLY = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n';

export interface ClosingServer {
  readonly url: string;
  /** The connection of each request, by number. */
  requests: number[];
  sockets: Socket[];
  /** What happens to a request, given how many came before it on its connection. */
  answer: (socket: Socket, before: number) => void;
  /** Forgets what came before. */
  reset(): void;
  close(): void;
}

export async function startClosingServer(): Promise<ClosingServer> {
  const server = createServer((socket) => {
    const connection = closing.sockets.push(socket) - 1;
    socket.on('error', () => socket.destroy());
    socket.on('data', () => {
      const before = closing.requests.filter((number) => number === connection).length;
      closing.requests.push(connection);
      closing.answer(socket, before);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const closing: ClosingServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests: [],
    sockets: [],
    answer: (socket) => reply(socket),
    reset() {
      [closing.requests, closing.sockets] = [[], []];
    },
    close: () => void server.close(),
  };
  return closing;
}

/** A whole reply, with more header lines if given. */
export function reply(socket: Socket, more = ''): void {
  socket.write(`${REPLY}${more}\r\nok`);
}
