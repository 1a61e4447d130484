// Requests over plain HTTP on our own sockets. Bun's fetch works on another thread, and what passes between the threads
// costs more than the gateway itself: see docs/decisions/0031. Engines in the same house are asked this way; what is
// encrypted, or behind a proxy, is asked by fetch.
import { KEPT_CONNECTION_SECONDS, MAX_KEPT_CONNECTIONS } from '../domain/limits.ts';
import { WireError } from './http1-reply.ts';
import {
  WireCall,
  type Connection,
  type Connections,
  type Line,
  type WireReply,
  type WireRequest,
} from './wire-call.ts';

/** Where requests go, with all of their head that is always the same. */
export interface Destination {
  /** Resolves with the head of the reply. Rejects with a WireError, or the reason of an abort. */
  post(request: WireRequest): Promise<WireReply>;
}

export interface PlainHttp {
  /** `url` begins with `http:`. Throws for headers that cannot be sent. */
  to(url: URL, headers: Readonly<Record<string, string>>): Destination;
}

export function createPlainHttp(): PlainHttp {
  /** By origin: idle connections, the last one used at the end. */
  const kept = new Map<string, Connection[]>();
  return {
    to(url, headers) {
      const idle = kept.get(url.origin) ?? [];
      kept.set(url.origin, idle);
      return new PlainDestination(url, headerLines(headers), idle);
    },
  };
}

class PlainDestination implements Destination, Connections {
  readonly #hostname: string;
  readonly #port: number;
  readonly #head: Buffer;
  readonly #idle: Connection[];

  constructor(url: URL, lines: string, idle: Connection[]) {
    this.#hostname = url.hostname.replaceAll(/[[\]]/g, '');
    this.#port = Number(url.port || 80);
    this.#head = Buffer.from(
      `POST ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\nconnection: keep-alive\r\n${lines}`,
    );
    this.#idle = idle;
  }

  post(request: WireRequest): Promise<WireReply> {
    const call = new WireCall(request, this);
    // The last one used is the least likely to have been closed.
    const used = this.#idle.pop();
    if (!used) this.#connect(call);
    else {
      call.connected(used, true);
      this.#begin(used, call);
    }
    return call.reply;
  }

  giveBack(connection: Connection, isReusable: boolean): void {
    const { data } = connection;
    if (!isReusable || data.unsent.length > 0 || this.#idle.length >= MAX_KEPT_CONNECTIONS)
      return void connection.end();
    // A slow reader may have held it back when its last byte came.
    if (data.isPaused) {
      data.isPaused = false;
      connection.resume();
    }
    connection.timeout(KEPT_CONNECTION_SECONDS);
    this.#idle.push(connection);
  }

  renew(call: WireCall): void {
    // The others most likely have been closed as well. So a request that crashes its engine is sent again once.
    for (const other of this.#idle.splice(0)) other.end();
    this.#connect(call);
  }

  #begin(connection: Connection, call: WireCall): void {
    connection.data.call = call;
    connection.data.unsent = sent(connection, this.#head, call.request);
  }

  #connect(call: WireCall): void {
    const refused = () => call.failed(new WireError('ConnectionRefused'));
    Bun.connect<Line>({
      hostname: this.#hostname,
      port: this.#port,
      data: { call, unsent: [], isPaused: false },
      socket: {
        open: (socket) => this.#begin(socket, call),
        drain: sendMore,
        data: onData,
        end: (socket) => void socket.end(),
        close: (socket) => {
          if (socket.data.call) socket.data.call.closed();
          else this.#forget(socket);
        },
        timeout(socket) {
          if (!socket.data.call) socket.end();
        },
        error: (socket) => socket.data.call?.failed(new WireError('ECONNRESET')),
        connectError: refused,
      },
    }).then((connection) => call.connected(connection, false), refused);
  }

  #forget(connection: Connection): void {
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
  }
}

/** Where a request is put together for one write: new memory for each would cost more than the copying. */
const joint = Buffer.allocUnsafeSlow(256 * 1024);
const MAX_BYTES_PER_CHAR = 3;

/** Writes a whole request; what comes back is what the socket did not take. */
function sent(
  connection: Connection,
  head: Buffer,
  { lines, body, bytes }: WireRequest,
): readonly Uint8Array[] {
  const most = head.length + lines.length + MAX_LENGTH_LINE + body.length * MAX_BYTES_PER_CHAR;
  if (bytes || most > joint.length) {
    const pieces = bytes ?? [Buffer.from(body)];
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    return sentPieces(connection, [head, Buffer.from(lines + lengthLine(length)), ...pieces]);
  }
  head.copy(joint);
  let end = head.length;
  end += joint.write(lines + lengthLine(Buffer.byteLength(body)), end, 'latin1');
  end += joint.write(body, end);
  const written = Math.max(0, connection.write(joint, 0, end));
  return written === end ? NOTHING : [Buffer.from(joint.subarray(written, end))];
}

const NOTHING: readonly Uint8Array[] = [];
const MAX_LENGTH_LINE = 40;

/** The last line of a head. */
function lengthLine(length: number): string {
  return `content-length: ${length}\r\n\r\n`;
}

function sendMore(connection: Connection): void {
  connection.data.unsent = sentPieces(connection, connection.data.unsent);
}

function sentPieces(connection: Connection, pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  let unsent = pieces;
  while (unsent.length > 0) {
    const bytes = joined(unsent);
    const written = Math.max(0, connection.write(bytes));
    unsent = without(unsent, written);
    if (written < bytes.length) break;
  }
  return unsent;
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

/** Lines of a head. Throws for what cannot be sent: a line break in a header would be the end of the head to some. */
export function headerLines(headers: Readonly<Record<string, string>>): string {
  let lines = '';
  for (const name in headers) {
    const value = headers[name] ?? '';
    if (UNSENDABLE.test(name) || UNSENDABLE.test(value))
      throw new TypeError('a header cannot be sent as it is');
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

const UNSENDABLE = /[^\t\u0020-\u007e]/;
