// The listening socket, with the limits that hold before a request is ours.
import { GatewayError } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import { READ_IDLE_SECONDS } from '../domain/limits.ts';
import { errorReply } from './refuse.ts';
import type { HttpServer } from './server.ts';
import { limitSockets } from './socket-limits.ts';

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

export function listen(
  fetch: HttpServer['fetch'],
  { host, port, deadAfterMs }: ListenOptions,
): Listener {
  const server = Bun.serve({
    hostname: host,
    port,
    idleTimeout: READ_IDLE_SECONDS,
    // The gateway counts bodies itself and refuses with its own error; Bun's limit must only not be in the way.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request, connection) => fetch(request, connection),
    // What throws even beyond the app: without this Bun answers with a page that shows the source.
    development: false,
    error: faultReply,
  });
  const hasSocketLimits = deadAfterMs !== undefined && limitSockets(deadAfterMs);
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${name}:${server.port}`,
    hasSocketLimits,
    closeIdle: () => void server.closeIdleConnections(),
    close: () => server.stop(true),
  };
}

function faultReply(cause: unknown): Response {
  const requestId = newId('req');
  const reply = errorReply(new GatewayError('internal_error', { cause }), requestId);
  reply.headers.set('x-request-id', requestId);
  return reply;
}
