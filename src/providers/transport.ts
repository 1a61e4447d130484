// How a request gets to an upstream: over our own sockets where the address is plain HTTP, otherwise by Bun's fetch,
// which knows TLS and proxies. To whoever asks, both are the same.
import { pipeline, Readable, type Transform } from 'node:stream';
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib';
import { piecesOf, type Spring } from '../domain/pieces.ts';
import type { Abortable } from './guarded-call.ts';
import type { ReplyHead } from './http1-reply.ts';
import { WireError } from './http1-reply.ts';
import { createKeptConnections } from './kept-connections.ts';
import { createPlainHttp, headerLines } from './plain-http.ts';

export interface TransportReply extends ReplyHead {
  readonly body: Spring<Uint8Array>;
}

export interface TransportRequest {
  /** Beside those that all requests to the address have. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The same, where it is at hand. */
  readonly bytes?: readonly Uint8Array[] | undefined;
  /** Ends the request, in every phase. */
  readonly call: Abortable;
}

/** An address with the headers that all requests to it have: what can be made ready once for all of them. */
export interface Route {
  /** Resolves with the head of a reply, whatever its status. Rejects with the network's error, or the reason of an abort. */
  post(request: TransportRequest): Promise<TransportReply>;
  /** The body of a reply without its compression, where that is one that is known. */
  inflated(reply: TransportReply, encodings: readonly string[]): Spring<Uint8Array>;
}

export interface Transport {
  /** Throws for headers that cannot be sent. */
  to(url: string, headers: Readonly<Record<string, string>>): Route;
}

export function createTransport(): Transport {
  const plain = createPlainHttp();
  const kept = createKeptConnections();
  return {
    to(address, headers) {
      const url = new URL(address);
      if (!isPlain(url)) return overFetch(address, headers, kept);
      const destination = plain.to(url, headers);
      return {
        post: ({ headers: own, body, bytes, call }) =>
          destination.post({ lines: headerLines(own), body, bytes, call }),
        inflated({ body }, encodings) {
          const inflater = encodings.length === 1 ? INFLATERS[encodings[0] ?? ''] : undefined;
          return inflater ? inflated(body, inflater()) : body;
        },
      };
    },
  };
}

function overFetch(
  url: string,
  headers: Readonly<Record<string, string>>,
  kept: ReturnType<typeof createKeptConnections>,
): Route {
  return {
    async post({ headers: own, body, call }) {
      const response = await kept.fetch(url, {
        method: 'POST',
        headers: { ...headers, ...own },
        body,
        signal: call.signal(),
        redirect: 'manual',
        // Bun cuts a fetch after 5 minutes by default; our own limits replace that.
        timeout: false,
      });
      return ofFetch(response, (whole) => kept.keep(whole));
    },
    // fetch has done that.
    inflated: ({ body }) => body,
  };
}

/** Not for us: TLS, proxies, and credentials in the address. */
function isPlain({ protocol, username, hostname }: URL): boolean {
  if (protocol !== 'http:' || username !== '') return false;
  const proxy = process.env['HTTP_PROXY'] ?? process.env['http_proxy'] ?? '';
  return proxy === '' || /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

/** Whether a compression is undone although nobody asked for it: one layer, as it arrives. */
export function isInflated(encoding: string): boolean {
  return encoding in INFLATERS;
}

export function encodingsOf(reply: ReplyHead): readonly string[] {
  const value = reply.header('content-encoding');
  if (value === null) return NONE;
  const names = value.toLowerCase().split(',');
  return names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity');
}

const NONE: readonly string[] = [];

function ofFetch(response: Response, onWhole: (response: Response) => void): TransportReply {
  const { status, headers, body } = response;
  return {
    status,
    header: (name) => headers.get(name),
    body: springOf(body, () => onWhole(response)),
  };
}

function springOf(
  body: ReadableStream<Uint8Array> | null,
  onWhole: () => void,
): Spring<Uint8Array> {
  const reader = body?.getReader();
  return {
    async next() {
      if (!reader) return { done: true, value: undefined };
      const { done, value } = await reader.read();
      if (!done) return { done, value };
      onWhole();
      return { done, value: undefined };
    },
    close: () => reader?.cancel(),
  };
}

const INFLATERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** The body without its compression; its size is the reader's to watch. */
function inflated(body: Spring<Uint8Array>, inflater: Transform): Spring<Uint8Array> {
  // What fails is told by the pieces.
  pipeline(Readable.from(piecesOf(body)), inflater, () => undefined);
  const pieces = inflater[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>;
  return {
    next: () =>
      pieces.next().catch((cause: unknown) => {
        throw cause instanceof WireError ? cause : new WireError('ZlibError');
      }),
    close: () => inflater.destroy(),
  };
}
