// The benchmark's upstream: an OpenAI-compatible server as cheap as one can be, on bare sockets, from bytes made
// beforehand. `bench_stream`, near the end of a body and followed by two numbers, asks for a stream of that many chunks with so many
// milliseconds between them; the first one comes at once. It takes bodies with a content-length, one request at a time.
import type { Socket } from 'bun';

const reply = (type: string, body: string) =>
  Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
const models = reply('application/json', '{"object":"list","data":[{"id":"bench-model"}]}');
const completion = reply(
  'application/json',
  JSON.stringify({
    id: 'chatcmpl-bench',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'bench-model',
    choices: [
      { index: 0, message: { role: 'assistant', content: 'Rome.' }, finish_reason: 'stop' },
    ],
    usage: { prompt_tokens: 14, completion_tokens: 2, total_tokens: 16 },
  }),
);

const piece = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const event = (choices: object[], more: object = {}) =>
  piece(
    `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'bench-model', choices, ...more })}\n\n`,
  );
const streamHead = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
);
const delta = Buffer.from(event([{ index: 0, delta: { content: ' token' }, finish_reason: null }]));
const usage = { prompt_tokens: 14, completion_tokens: 100, total_tokens: 114 };
const finish = Buffer.from(
  event([{ index: 0, delta: {}, finish_reason: 'stop' }]) +
    event([], { usage }) +
    piece('data: [DONE]\n\n') +
    '0\r\n\r\n',
);

interface Connection {
  /** A head that is still incomplete. */
  head: string;
  /** Bytes of the body that are still to come. */
  missing: number;
  /** The end of the body so far. */
  tail: string;
  isPost: boolean;
  /** What the socket did not take yet. */
  unsent: Buffer[];
  stop(): void;
}
type Peer = Socket<Connection>;

// All streams share one ticker, so that pacing a thousand of them costs next to nothing.
const tickers = new Map<number, Set<() => void>>();
function everyTick(paceMs: number, onTick: () => void): () => void {
  let ticking = tickers.get(paceMs);
  if (!ticking) {
    const set = new Set<() => void>();
    setInterval(() => set.forEach((run) => run()), paceMs);
    tickers.set(paceMs, (ticking = set));
  }
  ticking.add(onTick);
  return () => ticking.delete(onTick);
}

function send(socket: Peer, bytes: Buffer): void {
  const { unsent } = socket.data;
  const sent = unsent.length > 0 ? 0 : Math.max(0, socket.write(bytes));
  if (sent < bytes.length) unsent.push(bytes.subarray(sent));
}

function stream(socket: Peer, chunks: number, paceMs: number): void {
  let left = chunks - 1;
  send(socket, Buffer.concat([streamHead, delta]));
  const stop = everyTick(paceMs, () => {
    if (left-- > 0) return send(socket, delta);
    stop();
    return send(socket, finish);
  });
  socket.data.stop = stop;
}

function answer(socket: Peer): void {
  const { tail, isPost } = socket.data;
  const asked = /bench_stream\D+(\d+),(\d+)/.exec(tail);
  socket.data.tail = '';
  if (asked) stream(socket, Number(asked[1]), Number(asked[2]));
  else send(socket, isPost ? completion : models);
}

/** What of the bytes belongs to the body; null while the head is incomplete. */
function bodyIn(connection: Connection, bytes: Buffer): Buffer | null {
  if (connection.missing > 0) return bytes;
  const head = connection.head + bytes.toString('latin1');
  const end = head.indexOf('\r\n\r\n');
  if (end === -1) {
    connection.head = head;
    return null;
  }
  const start = end + 4 - connection.head.length;
  connection.head = '';
  connection.isPost = head.startsWith('POST');
  connection.missing = Number(/\r\ncontent-length: *(\d+)/i.exec(head.slice(0, end + 2))?.[1] ?? 0);
  return bytes.subarray(start);
}

const TAIL_CHARS = 600;
const server = Bun.listen<Connection>({
  hostname: '127.0.0.1',
  port: 0,
  socket: {
    open(socket) {
      socket.data = { head: '', missing: 0, tail: '', isPost: false, unsent: [], stop() {} };
    },
    data(socket, bytes) {
      const connection = socket.data;
      const body = bodyIn(connection, bytes);
      if (!body) return;
      const end = body.toString('latin1', Math.max(0, body.length - TAIL_CHARS));
      connection.tail = (connection.tail + end).slice(-TAIL_CHARS);
      connection.missing -= body.length;
      if (connection.missing <= 0) {
        connection.missing = 0;
        answer(socket);
      }
    },
    drain(socket) {
      for (const bytes of socket.data.unsent.splice(0)) send(socket, bytes);
    },
    close: (socket) => socket.data.stop(),
    error: (socket) => socket.data.stop(),
  },
});
process.stdout.write(`ready http://127.0.0.1:${server.port}\n`);
