// What the gateway's own layers cost a streamed chunk, without sockets: bytes as an engine sends them go in where the
// socket's data event would bring them, and come out as the text that the client is sent. `--against FOLDER` runs the
// layers of another tree in turns with these, `--only NAME` runs some streams alone.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import * as relay from '../src/chat/relay.ts';
import * as clock from '../src/domain/clock.ts';
import * as deadlines from '../src/domain/deadlines.ts';
import * as pieces from '../src/domain/pieces.ts';
import * as documents from '../src/json/document.ts';
import * as byKind from '../src/providers/by-kind.ts';
import * as upstream from '../src/providers/upstream.ts';
import * as withheld from '../src/providers/withhold-credentials.ts';
import * as commit from '../src/routing/commit.ts';
import { row } from './table.ts';

const { values: flags } = parseArgs({
  options: {
    against: { type: 'string' },
    chunks: { type: 'string', default: '100000' },
    only: { type: 'string', default: '' },
  },
});
const HERE = resolve(import.meta.dir, '..');
const ROUNDS = 3;
const chunks = Number(flags.chunks);

/** The events of a recorded reply that stand for its middle. */
function recorded(name: string, isWanted: (event: string) => boolean): string[] {
  const path = resolve(HERE, `src/providers/fixtures/${name}.bytes`);
  const events = readFileSync(path, 'utf8').replaceAll('\r\n', '\n').split('\n\n');
  return events.filter(isWanted).map((event) => `${event}\n\n`);
}
const hasText = (event: string) => /"content":"[^"]/.test(event);
const plain = (content: string) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'bench-model', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;

const STREAMS: Readonly<Record<string, readonly string[]>> = {
  'as of npm run bench': [plain(' token')],
  'llama.cpp': recorded('llama-cpp-stream', hasText),
  vLLM: recorded('vllm-stream', hasText),
  'Azure, obfuscated': recorded('azure-stream', hasText),
  'line breaks and quotes': [plain('\n'), plain(' "x"'), plain('\\')],
  'Chinese and emoji': [plain('你好'), plain('世界'), plain('😀')],
};

const own = {
  ...clock,
  ...deadlines,
  ...upstream,
  ...byKind,
  ...withheld,
  ...commit,
  ...relay,
  ...documents,
  ...pieces,
};
type Tree = typeof own;

/** The same layers of another tree. */
async function treeAt(root: string): Promise<Tree> {
  const files = [
    'domain/clock.ts',
    'domain/deadlines.ts',
    'providers/upstream.ts',
    'providers/by-kind.ts',
    'providers/withhold-credentials.ts',
    'routing/commit.ts',
    'chat/relay.ts',
    'json/document.ts',
    'domain/pieces.ts',
  ];
  const modules = files.map(async (file) => (await import(resolve(root, 'src', file))) as object);
  return Object.assign({}, ...(await Promise.all(modules))) as Tree;
}

const HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const framed = (event: string) => `${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n`;

interface OpenStream {
  /** A read of the network. */
  push(bytes: Buffer): void;
  /** Characters that the client was sent. */
  sent(): number;
}

/** A stream through all layers, past its commit point. */
async function openStream(tree: Tree, first: string): Promise<OpenStream> {
  const target = {
    upstream: 'bench',
    kind: 'openai',
    baseUrl: 'http://127.0.0.1:9/v1',
    headers: { authorization: 'Bearer key' },
    model: 'bench-model',
    rank: 0,
    weight: 1,
    timeouts: { connectMs: 1e6, firstByteMs: 1e6, idleMs: 1e6, totalMs: 1e6 },
  };
  const line = fakeConnection();
  const client = tree.createUpstreamClient({ deadlines: tree.createDeadlines(tree.systemClock) });
  const provider = tree.withholdCredentials(tree.createProvider(client));
  const text = '{"model":"alias","stream":true,"messages":[]}';
  const request = {
    document: tree.parseDocument(text),
    alias: 'alias',
    messages: [],
    stream: true,
    requestId: 'req_bench',
    witness: {
      onAttempt() {},
      onAnswer() {},
      onUsage() {},
    },
  };
  const alias = { name: 'alias', minMaxTokens: null, hedgeMs: null, capabilities: {}, targets: [] };
  const deps = {
    catalog: { find: () => alias },
    router: {
      plan: () => [],
      async open(asked: { bodyFor(of: typeof target): { body: string } }, signal: AbortSignal) {
        const call = { ...asked.bodyFor(target), stream: true, requestId: 'req_bench' };
        const reply = await provider.ask(target, call, signal);
        if (reply.kind === 'json') throw new TypeError('not a stream');
        const held = await tree.readToCommit(reply.events);
        const events = tree.resumed(held, reply.events, { onFailure() {}, onEnd() {} });
        return { target, reply: { kind: 'stream' as const, events } };
      },
    },
  } as unknown as Parameters<Tree['prepareRelay']>[1];
  const source = tree.prepareRelay(request, deps).events(new AbortController().signal);
  const begun = source.next();
  const socket = await line;
  socket.push(Buffer.from(HEAD + framed(first)));
  await begun;
  let sent = 0;
  const sink: pieces.Sink<string> = {
    take: (piece) => void (sent += piece.length),
    end: () => undefined,
    fail(error) {
      throw error;
    },
  };
  tree.driveInto(source, sink);
  return { ...socket, sent: () => sent };
}

/** Stands for the next connection that is opened. */
function fakeConnection(): Promise<{ push(bytes: Buffer): void }> {
  const { promise, resolve: opened } = Promise.withResolvers<{ push(bytes: Buffer): void }>();
  const connect = async (options: Bun.TCPSocketConnectOptions<object>) => {
    const socket = {
      data: options.data,
      write: (bytes: Uint8Array) => bytes.length,
      timeout() {},
      pause() {},
      resume() {},
      end() {},
      terminate() {},
    } as unknown as Bun.Socket<object>;
    void options.socket.open?.(socket);
    setTimeout(() => opened({ push: (bytes) => void options.socket.data?.(socket, bytes) }), 0);
    return socket;
  };
  (Bun as { connect: unknown }).connect = connect;
  return promise;
}

/** So many that the caches do not hold them all: each chunk finds its stream cold, as in the running process. */
const MANY_STREAMS = 500;
const FEW_STREAMS = 20;

/** What a chunk costs in nanoseconds with this many streams, whose chunks come in turns. */
async function costOf(
  tree: Tree,
  { events, count }: { events: readonly string[]; count: number },
): Promise<number> {
  const reads = events.map((event) => Buffer.from(framed(event)));
  const streams: OpenStream[] = [];
  while (streams.length < count) streams.push(await openStream(tree, events[0] ?? ''));
  const run = (total: number) => {
    for (let nth = 0; nth < total; nth++) {
      // A network read is memory of its own.
      const bytes = Buffer.from(reads[nth % reads.length] ?? '');
      // Not as they lie in memory.
      streams[(nth * 7_919) % count]?.push(bytes);
    }
  };
  run(20_000);
  Bun.gc(true);
  const start = Bun.nanoseconds();
  run(chunks);
  const spent = Bun.nanoseconds() - start;
  if (streams.some((stream) => stream.sent() === 0)) throw new Error('nothing came out');
  return spent / chunks;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const us = (nanoseconds: number) => (nanoseconds / 1e3).toFixed(2);

const trees = [own];
if (flags.against !== undefined) trees.push(await treeAt(resolve(flags.against)));
const sizes = [FEW_STREAMS, MANY_STREAMS];
const columns = trees.flatMap((_, nth) =>
  sizes.map((count) => `${nth === 0 ? 'here' : 'other tree'}, ${count} streams`),
);
row(['µs a chunk', ...columns]);
row(['---', ...columns.map(() => '--:')]);
for (const [name, events] of Object.entries(STREAMS)) {
  if (!name.includes(flags.only)) continue;
  const seen = columns.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    let column = 0;
    for (const tree of trees)
      for (const count of sizes) seen[column++]?.push(await costOf(tree, { events, count }));
  }
  row([name, ...seen.map((rounds) => us(median(rounds)))]);
}
process.exit(0);
