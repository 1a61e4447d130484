// A scriptable upstream on a raw socket: a test decides every byte that it sends and when, and sees every byte that
// it is sent. Answers GET …/models by itself, so that health probes find it up.
import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface UpstreamCall {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  /** The body's text exactly as it came. */
  readonly body: string;
  /** Resolves when the gateway has closed or reset the connection. */
  readonly closed: Promise<void>;
  /** Sends bytes as they are; resolves when they are handed to the kernel. */
  send(bytes: string | Uint8Array): Promise<void>;
  /** Closes the connection with a FIN. */
  end(): void;
  /** Resets the connection. */
  reset(): void;
}

export type UpstreamScript = (call: UpstreamCall) => void | Promise<void>;

export interface FakeUpstream {
  /** With /v1. */
  readonly url: string;
  /** Every chat call so far, in order. */
  readonly calls: UpstreamCall[];
  /** What answers from now on. */
  script: UpstreamScript;
  /** What GET …/models lists from now on. */
  models: readonly object[];
  /** Resolves with the next chat call that comes in, also one that came before anybody asked. */
  nextCall(): Promise<UpstreamCall>;
  openConnections(): number;
  /** Ends every connection, the kept ones included; new ones are taken as before. */
  hangUp(): void;
  close(): Promise<void>;
}

export async function startFakeUpstream(
  script: UpstreamScript = (call) => replyJson(call, completion('ok')),
): Promise<FakeUpstream> {
  const sockets = new Set<Socket>();
  const calls: UpstreamCall[] = [];
  const waiting: ((call: UpstreamCall) => void)[] = [];
  let taken = 0;

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    readRequests(socket, (call) => {
      if (call.method === 'GET') {
        void replyJson(call, { object: 'list', data: upstream.models });
        return;
      }
      calls.push(call);
      waiting.shift()?.((taken++, call));
      void upstream.script(call);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  const upstream: FakeUpstream = {
    url: `http://127.0.0.1:${port}/v1`,
    calls,
    script,
    models: [{ id: 'fake', object: 'model' }],
    nextCall() {
      const ready = calls[taken];
      if (ready) {
        taken++;
        return Promise.resolve(ready);
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    openConnections: () => sockets.size,
    hangUp() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      upstream.hangUp();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return upstream;
}

/** Reads requests with a content-length, one after another on one connection. */
export function readRequests(socket: Socket, onCall: (call: UpstreamCall) => void): void {
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  let received = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    for (;;) {
      const headEnd = received.indexOf('\r\n\r\n');
      if (headEnd === -1) return;
      const [start = '', ...lines] = received.subarray(0, headEnd).toString('latin1').split('\r\n');
      const headers = new Map(
        lines.map((line) => [
          line.split(':', 1)[0]?.toLowerCase() ?? '',
          line.slice(line.indexOf(':') + 1).trim(),
        ]),
      );
      const length = Number(headers.get('content-length') ?? 0);
      if (received.length < headEnd + 4 + length) return;
      const body = received.subarray(headEnd + 4, headEnd + 4 + length).toString('utf8');
      received = received.subarray(headEnd + 4 + length);
      const [method = '', path = ''] = start.split(' ');
      onCall({
        method,
        path,
        headers,
        body,
        closed,
        send: (data) =>
          new Promise((resolve) =>
            socket.destroyed ? resolve() : socket.write(data, () => resolve()),
          ),
        end: () => socket.end(),
        reset: () => socket.resetAndDestroy(),
      });
    }
  });
}

/** A whole JSON reply. */
export async function replyJson(
  call: UpstreamCall,
  body: unknown,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): Promise<void> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const head = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
  };
  await call.send(`${headOf(status, head)}${text}`);
}

/** The head of a streamed reply whose end is the end of the connection. */
export async function beginSse(call: UpstreamCall): Promise<void> {
  await call.send(headOf(200, { 'content-type': 'text/event-stream', connection: 'close' }));
}

/** A whole streamed reply: the events as given, each made a `data:` line, then the end of the connection. */
export async function replySse(
  call: UpstreamCall,
  events: readonly (string | object)[],
): Promise<void> {
  await beginSse(call);
  for (const event of events) await call.send(sse(event));
  call.end();
}

/** A reply with this body, which says itself whether it is JSON, JSON lines or an event stream. */
export async function replyWith(call: UpstreamCall, body: Uint8Array): Promise<void> {
  const text = Buffer.from(body).toString();
  if (/^\s*[[{]/.test(text)) {
    const lines = /^\{.*\}\r?\n\s*\{/.test(text) ? 'application/x-ndjson' : 'application/json';
    return await replyJson(call, text, { headers: { 'content-type': lines } });
  }
  await beginSse(call);
  await call.send(body);
  call.end();
}

export function sse(event: string | object): string {
  return `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`;
}

function headOf(status: number, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Whatever\r\n${lines.join('')}\r\n`;
}

/** A chat.completion that says `content`. */
export function completion(content: string, more: object = {}): object {
  return {
    id: 'chatcmpl-fake',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'fake-model',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
    ...more,
  };
}

/** A chat.completion.chunk. */
export function chunk(
  delta: object,
  finishReason: string | null = null,
  more: object = {},
): object {
  return {
    id: 'chatcmpl-fake',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: 'fake-model',
    choices: [{ index: 0, delta, finish_reason: finishReason }],
    ...more,
  };
}

/** The events of a complete streamed answer: role, one delta for each word, finish, usage, [DONE]. */
export function streamOf(words: readonly string[]): (string | object)[] {
  const usage = {
    prompt_tokens: 7,
    completion_tokens: words.length,
    total_tokens: 7 + words.length,
  };
  return [
    chunk({ role: 'assistant', content: '' }),
    ...words.map((content) => chunk({ content })),
    chunk({}, 'stop'),
    { ...chunk({}), choices: [], usage },
    '[DONE]',
  ];
}

/** Configuration with the fake as the only upstream, named `fake`, behind the alias `test-model`. */
export function configFor(upstream: Pick<FakeUpstream, 'url'>, more = ''): string {
  return `
catalogue: replace
upstreams:
  fake: { kind: openai, base_url: ${upstream.url}, api_key: upstream-secret-key }
models:
  test-model:
    modalities: { input: [text, image] }
    targets: [{ upstream: fake, model: fake-model }]
${more}`;
}
