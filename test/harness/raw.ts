// A client on a raw socket: for requests that no HTTP library would send, and for seeing when a connection closes.
import { connect } from 'node:net';

export interface RawConnection {
  send(bytes: string | Uint8Array): void;
  /** Sends a FIN: the client has nothing more to say, and still listens. */
  finish(): void;
  /** Takes nothing from the kernel until it is told to go on. */
  pause(): void;
  resume(): void;
  /** What has come so far, or since it was last forgotten; one character a byte. */
  received(): string;
  /** Drops what has come: for a connection that is used again and again. */
  forget(): void;
  /** Resolves with what has come once `pattern` is in it, or once the connection is closed. */
  until(pattern: RegExp): Promise<string>;
  /** Resolves with all that has come when the other side has closed or reset the connection. */
  readonly closed: Promise<string>;
  destroy(): void;
}

/** Connects to the host and port of `url`. */
export async function openRaw(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  let text = '';
  let gone = false;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of waiting) look();
  };
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
    wake();
  });
  // A reset is one way of closing; 'close' follows.
  socket.on('error', () => undefined);
  socket.on('end', () => socket.end());
  const closed = new Promise<string>((resolve) => {
    socket.on('close', () => {
      gone = true;
      wake();
      resolve(text);
    });
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return {
    send: (bytes) => void socket.write(bytes),
    finish: () => void socket.end(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    received: () => text,
    forget() {
      text = '';
    },
    until: (pattern) =>
      new Promise((resolve) => {
        const look = () => {
          if (!gone && !pattern.test(text)) return;
          waiting.delete(look);
          resolve(text);
        };
        waiting.add(look);
        look();
      }),
    closed,
    destroy: () => socket.destroy(),
  };
}

/** The status of every reply in what came, in order. */
export function statusesIn(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
}

export interface RawReply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Whether all of its body has come. */
  readonly isWhole: boolean;
}

/** The first reply in what came. */
export function replyIn(received: string): RawReply {
  const headEnd = received.indexOf('\r\n\r\n');
  const [start = '', ...lines] = received.slice(0, headEnd).split('\r\n');
  const headers = new Headers(
    lines.map((line): [string, string] => [
      line.split(':', 1)[0] ?? '',
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );
  const rest = received.slice(headEnd + 4);
  const isChunked = headers.get('transfer-encoding') === 'chunked';
  const length = Number(headers.get('content-length') ?? 0);
  const { body, isWhole } = isChunked
    ? dechunked(rest)
    : { body: rest.slice(0, length), isWhole: rest.length >= length };
  const text = Buffer.from(body, 'latin1').toString('utf8');
  return { status: Number(start.split(' ')[1]), headers, text, isWhole };
}

function dechunked(bytes: string): { body: string; isWhole: boolean } {
  const pieces: string[] = [];
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const size = lineEnd === -1 ? Number.NaN : Number.parseInt(bytes.slice(at, lineEnd), 16);
    if (size === 0) return { body: pieces.join(''), isWhole: true };
    pieces.push(bytes.slice(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
    if (Number.isNaN(size) || at > bytes.length) return { body: pieces.join(''), isWhole: false };
  }
}
