// The listening socket, with the limits that hold before a request is ours.
import { READ_IDLE_SECONDS } from '../domain/limits.ts';
import type { HttpServer } from './server.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly maxBodyBytes: number;
  /** Seconds without progress after which a request that is not wholly there is given up. */
  readonly readIdleSeconds?: number;
}

export interface Listener {
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string;
  /** Closes the socket and every connection. */
  close(): Promise<void>;
}

export function listen(
  fetch: HttpServer['fetch'],
  { host, port, maxBodyBytes, readIdleSeconds = READ_IDLE_SECONDS }: ListenOptions,
): Listener {
  const server = Bun.serve({
    hostname: host,
    port,
    idleTimeout: readIdleSeconds,
    // The gateway counts bodies itself and refuses with its own error; Bun's limit must only not be in the way.
    maxRequestBodySize: maxBodyBytes * 2,
    fetch: (request, connection) => fetch(request, connection),
  });
  const name = host.includes(':') ? `[${host}]` : host;
  return { url: `http://${name}:${server.port}`, close: () => server.stop(true) };
}
