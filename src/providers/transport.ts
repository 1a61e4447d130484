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
import type { JsonText } from '../json/long-text.ts';
import type { Abortable } from './guarded-call.ts';
import { WireError } from './http1-reply.ts';
import { createKeptConnections } from './kept-connections.ts';
import { createPlainHttp } from './plain-http.ts';
import type { WireReply } from './wire-call.ts';

export type TransportReply = WireReply;

export interface TransportRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonText;
  /** Ends the request, in every phase. */
  readonly call: Abortable;
}

export interface Transport {
  /** Resolves with the head of a reply, whatever its status. Rejects with the network's error, or the reason of an abort. */
  post(request: TransportRequest): Promise<TransportReply>;
}

export function createTransport(): Transport {
  const plain = createPlainHttp();
  const kept = createKeptConnections();
  const addresses = new Map<string, URL>();

  /** Parsed once: there are as many as upstreams have paths. */
  function parsed(address: string): URL {
    const known = addresses.get(address);
    if (known) return known;
    const url = new URL(address);
    addresses.set(address, url);
    return url;
  }

  return {
    async post(request) {
      const url = parsed(request.url);
      if (!isPlain(url)) return ofFetch(await fetched(request, kept), (whole) => kept.keep(whole));
      const reply = await plain.post({ ...request, url });
      const encodings = encodingsOf(reply);
      const inflater = encodings.length === 1 ? INFLATERS[encodings[0] ?? ''] : undefined;
      return inflater ? { ...reply, body: inflated(reply.body, inflater()) } : reply;
    },
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

export function encodingsOf({ header }: Pick<TransportReply, 'header'>): string[] {
  const value = header('content-encoding');
  if (value === null) return [];
  const names = value.toLowerCase().split(',');
  return names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity');
}

async function fetched(
  { url, headers, body, call }: TransportRequest,
  kept: ReturnType<typeof createKeptConnections>,
): Promise<Response> {
  return await kept.fetch(url, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : Buffer.concat(body.parts),
    signal: call.signal(),
    redirect: 'manual',
    // Bun cuts a fetch after 5 minutes by default; our own limits replace that.
    timeout: false,
  });
}

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
