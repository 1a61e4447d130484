// Requests over plain HTTP on our own sockets. Bun's fetch works on another thread, and what passes between the threads
// costs more than the gateway itself: see docs/decisions/0031. Engines in the same house are asked this way; what is
// encrypted, or behind a proxy, is asked by fetch.
import { KEPT_CONNECTION_SECONDS, MAX_KEPT_CONNECTIONS } from '../domain/limits.ts';
import { partsOf, type JsonText } from '../json/long-text.ts';
import type { Abortable } from './guarded-call.ts';
import { WireError } from './http1-reply.ts';
import { type Connection, type Line, WireCall, type WireReply } from './wire-call.ts';

export interface WireRequest {
  /** Begins with `http:`. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonText;
  readonly call: Abortable;
}

export interface PlainHttp {
  /** Resolves with the head of the reply. Rejects with a WireError, or the reason of an abort. */
  post(request: WireRequest): Promise<WireReply>;
}

export function createPlainHttp(): PlainHttp {
  const kept = new Map<string, Connection[]>();

  /** A kept connection; the last one used is the least likely to have been closed. */
  function take(origin: string): Connection | undefined {
    const connection = kept.get(origin)?.pop();
    connection?.timeout(0);
    return connection;
  }

  function keep(origin: string, connection: Connection): void {
    const others = kept.get(origin) ?? [];
    kept.set(origin, others);
    if (others.length >= MAX_KEPT_CONNECTIONS) return void connection.end();
    connection.data = { call: null, unsent: [] };
    // A slow reader may have held it back when its last byte came.
    connection.resume();
    connection.timeout(KEPT_CONNECTION_SECONDS);
    others.push(connection);
  }

  function forget(connection: Connection): void {
    for (const others of kept.values()) {
      const at = others.indexOf(connection);
      if (at !== -1) others.splice(at, 1);
    }
  }

  async function connect(url: URL, line: Line): Promise<Connection> {
    return await Bun.connect<Line>({
      hostname: url.hostname.replaceAll(/[[\]]/g, ''),
      port: Number(url.port || 80),
      data: line,
      socket: {
        open: send,
        drain: send,
        data: (socket, bytes) => onData(socket, bytes),
        end: (socket) => void socket.end(),
        close(socket) {
          if (socket.data.call) socket.data.call.closed();
          else forget(socket);
        },
        timeout: (socket) => void socket.end(),
        error: (socket) => socket.data.call?.failed(new WireError('ECONNRESET')),
        connectError: (socket) => socket.data.call?.failed(new WireError('ConnectionRefused')),
      },
    });
  }

  /** One try on a connection; the call knows of it, so that an abort closes it. */
  function begin(
    { url, call: owner }: WireRequest,
    bytes: readonly Uint8Array[],
    used?: Connection,
  ): WireCall {
    const call = new WireCall(owner, (connection, isReusable) => {
      if (isReusable && connection.data.unsent.length === 0) keep(url.origin, connection);
      else connection.end();
    });
    const line = { call, unsent: bytes };
    if (used) {
      used.data = line;
      call.connected(used);
      send(used);
    } else {
      connect(url, line).then(
        (connection) => call.connected(connection),
        () => call.failed(new WireError('ConnectionRefused')),
      );
    }
    return call;
  }

  return {
    async post(request) {
      const { url } = request;
      const bytes = encoded(request);
      const used = take(url.origin);
      const call = begin(request, bytes, used);
      try {
        return await call.reply;
      } catch (error) {
        if (!used || request.call.isAborted() || call.hasBegun || !isClosed(error)) throw error;
        // It was closed as the request went out, and the others most likely are as well. So a request that crashes its
        // engine is sent again once.
        for (const other of kept.get(url.origin)?.splice(0) ?? []) other.end();
        return await begin(request, bytes).reply;
      }
    },
  };
}

/** Where pieces are put together that one write takes: new memory for each would cost more than the copying. */
const joint = Buffer.allocUnsafeSlow(256 * 1024);

function send(connection: Connection): void {
  const line = connection.data;
  while (line.unsent.length > 0) {
    const bytes = joined(line.unsent);
    const written = Math.max(0, connection.write(bytes));
    line.unsent = without(line.unsent, written);
    if (written < bytes.length) return;
  }
}

/** As many of the pieces, from the first on, as fit into one write. */
function joined([first, ...others]: readonly Uint8Array[]): Uint8Array {
  if (first === undefined || others.length === 0 || first.length > joint.length)
    return first ?? joint.subarray(0, 0);
  let length = 0;
  for (const piece of [first, ...others]) {
    const part = piece.subarray(0, joint.length - length);
    joint.set(part, length);
    length += part.length;
  }
  return joint.subarray(0, length);
}

/** What is left of the pieces once so many bytes have gone. */
function without(pieces: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let gone = bytes;
  const whole = pieces.findIndex((piece) => {
    if (piece.length > gone) return true;
    gone -= piece.length;
    return false;
  });
  if (whole === -1) return [];
  return pieces.slice(whole).map((piece, index) => (index === 0 ? piece.subarray(gone) : piece));
}

function onData(connection: Connection, bytes: Buffer): void {
  // Whoever speaks unasked is not understood.
  if (connection.data.call) connection.data.call.push(bytes);
  else connection.terminate();
}

function isClosed(error: unknown): boolean {
  return error instanceof WireError && error.code === 'ECONNRESET';
}

function encoded({ url, headers, body }: WireRequest): readonly Uint8Array[] {
  let head = `POST ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\nconnection: keep-alive\r\n`;
  let all = '';
  for (const [name, value] of Object.entries(headers)) {
    head += `${name}: ${value}\r\n`;
    all += name + value;
  }
  // A line break in a header would be the end of the head to some.
  if (/[^\t\u0020-\u007e]/.test(all)) throw new TypeError('a header cannot be sent as it is');
  const pieces = partsOf(body);
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  head += `content-length: ${length}\r\n\r\n`;
  return [Buffer.from(head), ...pieces];
}
