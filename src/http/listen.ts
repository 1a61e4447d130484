// The listening socket, with the limits that hold before a request is ours.
import { READ_IDLE_SECONDS } from '../domain/limits.ts';
import type { HttpServer } from './server.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

export interface Listener {
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string;
  /** Closes the socket and every connection. */
  close(): Promise<void>;
}

export function listen(fetch: HttpServer['fetch'], { host, port }: ListenOptions): Listener {
  const server = Bun.serve({
    hostname: host,
    port,
    idleTimeout: READ_IDLE_SECONDS,
    // The gateway counts bodies itself and refuses with its own error; Bun's limit must only not be in the way.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request, connection) => fetch(request, connection),
  });
  const name = host.includes(':') ? `[${host}]` : host;
  return { url: `http://${name}:${server.port}`, close: () => server.stop(true) };
}
