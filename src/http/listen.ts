// The listening socket and the connections on it. Sockets of our own, because what a web server makes for a request
// (Request, Response, Headers, a stream and a signal) costs more than all that the gateway does with it: see
// docs/decisions/0042. One look a second hangs up on whoever takes too long.
import type { GatewayError } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import { errorReply } from './refuse.ts';
import type { HttpServer } from './server.ts';
import { limitSockets } from './socket-limits.ts';
import { ClientConnection, type Answering } from './wire/client-connection.ts';
import type { Reply } from './wire/reply.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** How long a peer may leave unacknowledged what it was sent, in milliseconds; the kernel's own limit where absent. */
  readonly deadAfterMs?: number;
}

export interface Listener {
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string;
  /** Whether the kernel ends connections to peers that are gone without a word, and holds little for slow ones. */
  readonly hasSocketLimits: boolean;
  /** Closes the connections on which nothing is asked. */
  closeIdle(): void;
  /** Closes the socket and every connection. */
  close(): Promise<void>;
}

const LOOK_MS = 1_000;

export function listen(
  answer: HttpServer['answer'],
  { host, port, deadAfterMs }: ListenOptions,
): Listener {
  const connections = new Set<ClientConnection>();
  let now = performance.now();
  const answering: Answering = { answer, refuse, now: () => now };
  const look = setInterval(() => {
    now = performance.now();
    for (const connection of connections) if (connection.dueAt <= now) connection.hangUp();
  }, LOOK_MS);
  look.unref();

  const server = Bun.listen<ClientConnection>({
    hostname: host,
    port,
    socket: {
      open(socket) {
        socket.data = new ClientConnection(socket, answering);
        connections.add(socket.data);
      },
      data: (socket, bytes) => socket.data.data(bytes),
      drain: (socket) => socket.data.drained(),
      close(socket) {
        connections.delete(socket.data);
        socket.data.closed();
      },
      // Its connection is closed next, and that says all.
      error: () => undefined,
    },
  });
  const hasSocketLimits = deadAfterMs !== undefined && limitSockets(deadAfterMs);
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${name}:${server.port}`,
    hasSocketLimits,
    closeIdle() {
      for (const connection of connections) if (connection.isIdle) connection.hangUp();
    },
    async close() {
      clearInterval(look);
      server.stop(true);
    },
  };
}

/** What never became an exchange has an id all the same. */
function refuse(error: GatewayError): Reply {
  const requestId = newId('req');
  const reply = errorReply(error, requestId);
  reply.headers.set('x-request-id', requestId);
  return reply;
}
