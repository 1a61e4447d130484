// Stands between a client and the gateway, passes every byte on as it is, and keeps what the client sent. Nothing of
// HTTP is understood on the way, so that the client and the gateway really talk to each other.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface RecordedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** In the order in which they came, names in lower case. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

export interface Recorder {
  readonly url: string;
  /** Every request so far, connection by connection. */
  requests(): RecordedRequest[];
  close(): Promise<void>;
}

export async function startRecorder(target: string): Promise<Recorder> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const heard: Buffer[][] = [];
  const server = createServer((client) => {
    const pieces: Buffer[] = [];
    heard.push(pieces);
    const gateway = connect(Number(port), hostname);
    for (const [from, to] of [
      [client, gateway],
      [gateway, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
    client.on('data', (bytes: Buffer) => pieces.push(Buffer.from(bytes)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${own}`,
    requests: () => heard.flatMap((pieces) => requestsIn(Buffer.concat(pieces))),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The requests that came one after another on a connection; one that was not sent to its end is left out. */
export function requestsIn(bytes: Buffer): RecordedRequest[] {
  const requests: RecordedRequest[] = [];
  let rest = bytes;
  for (;;) {
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd === -1) return requests;
    const [start = '', ...lines] = rest.subarray(0, headEnd).toString('latin1').split('\r\n');
    const headers = lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    });
    const valueOf = (name: string) => headers.find(([key]) => key === name)?.[1];
    const after = rest.subarray(headEnd + 4);
    const read =
      valueOf('transfer-encoding') === 'chunked'
        ? readChunked(after)
        : readCounted(after, Number(valueOf('content-length') ?? 0));
    if (!read) return requests;
    const [method = '', path = ''] = start.split(' ');
    requests.push({ method, path, headers, body: read.body.toString('utf8') });
    rest = read.rest;
  }
}

interface Read {
  readonly body: Buffer;
  readonly rest: Buffer;
}

function readCounted(bytes: Buffer, length: number): Read | null {
  if (bytes.length < length) return null;
  return { body: bytes.subarray(0, length), rest: bytes.subarray(length) };
}

function readChunked(bytes: Buffer): Read | null {
  const chunks: Buffer[] = [];
  let rest = bytes;
  for (;;) {
    const lineEnd = rest.indexOf('\r\n');
    if (lineEnd === -1) return null;
    const size = Number.parseInt(rest.subarray(0, lineEnd).toString('latin1'), 16);
    const chunk = rest.subarray(lineEnd + 2, lineEnd + 2 + size);
    rest = rest.subarray(lineEnd + 2 + size + 2);
    if (size === 0) return { body: Buffer.concat(chunks), rest };
    if (chunk.length < size) return null;
    chunks.push(chunk);
  }
}
