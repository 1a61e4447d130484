// Streams read on bare sockets, which cost this process little: times to the first event and how many events came.
import type { Socket } from 'bun';
import { quantile } from './load.ts';

export interface StreamLoad {
  readonly url: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface ReadStream {
  /** From sending the request to the first event, in milliseconds. */
  readonly firstMs: number;
  readonly chunks: number;
  /** Between one read with tokens and the next, in milliseconds. */
  readonly gapsMs: readonly number[];
}

interface State {
  readonly sentAt: number;
  /** The end of what came, in case a mark is cut. */
  tail: string;
  firstMs: number;
  chunks: number;
  readonly gapsMs: number[];
  /** When the last token came. */
  tokenAt: number;
  /** Of the request, what the socket did not take yet. */
  unsent: Buffer;
  resolve(stream: ReadStream): void;
  reject(error: Error): void;
}

const TOKEN_MARK = '" token"';
const FIRST_MARK = 'data: {';
const END_MARK = 'data: [DONE]';
const TAIL_CHARS = 12;

function take(socket: Socket<State>, bytes: Buffer): void {
  const state = socket.data;
  const text = state.tail + bytes.toString('latin1');
  if (state.firstMs < 0 && text.includes(FIRST_MARK))
    state.firstMs = performance.now() - state.sentAt;
  let end = 0;
  const before = state.chunks;
  for (let at = text.indexOf(TOKEN_MARK); at !== -1; at = text.indexOf(TOKEN_MARK, end)) {
    end = at + TOKEN_MARK.length;
    state.chunks++;
  }
  if (state.chunks > before) noteGap(state);
  if (text.includes(END_MARK, end)) {
    state.resolve(state);
    socket.end();
  } else state.tail = text.slice(Math.max(end, text.length - TAIL_CHARS));
}

function noteGap(state: State): void {
  const now = performance.now();
  if (state.tokenAt > 0) state.gapsMs.push(now - state.tokenAt);
  state.tokenAt = now;
}

function send(socket: Socket<State>): void {
  const { unsent } = socket.data;
  if (unsent.length > 0) socket.data.unsent = unsent.subarray(Math.max(0, socket.write(unsent)));
}

/** Asks once and reads to the end; rejects where the stream is cut. */
export function readStream({ url, path, headers, body }: StreamLoad): Promise<ReadStream> {
  const { hostname, port } = new URL(url);
  const lines = Object.entries({ host: hostname, 'content-type': 'application/json', ...headers });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const length = Buffer.byteLength(body);
  const unsent = Buffer.from(
    `POST ${path} HTTP/1.1\r\n${head}content-length: ${length}\r\n\r\n${body}`,
  );
  return new Promise((resolve, reject) => {
    Bun.connect<State>({
      hostname,
      port: Number(port),
      socket: {
        open(socket) {
          const sentAt = performance.now();
          socket.data = {
            sentAt,
            tail: '',
            firstMs: -1,
            chunks: 0,
            gapsMs: [],
            tokenAt: 0,
            unsent,
            resolve,
            reject,
          };
          send(socket);
        },
        data: take,
        drain: send,
        close: (socket) => socket.data.reject(new Error(`a stream was cut: ${socket.data.tail}`)),
        error: (_, error) => reject(error),
        connectError: (_, error) => reject(error),
      },
    }).catch(reject);
  });
}

export interface StreamsResult {
  readonly chunks: number;
  readonly firstP50Ms: number;
  readonly firstP99Ms: number;
  /** Of all streams together. */
  readonly gapP50Ms: number;
  readonly gapP99Ms: number;
}

/** All at once; fails when an event was lost. */
export async function readStreams(
  load: StreamLoad,
  { count, chunks }: { count: number; chunks: number },
): Promise<StreamsResult> {
  const read = await Promise.all(Array.from({ length: count }, () => readStream(load)));
  const seen = read.reduce((sum, stream) => sum + stream.chunks, 0);
  if (seen !== count * chunks) throw new Error(`${count * chunks - seen} chunks were lost`);
  return { chunks: seen, ...timesOf(read) };
}

/** One after another. */
export async function readInTurn(
  load: StreamLoad,
  count: number,
): Promise<Omit<StreamsResult, 'chunks'>> {
  const read: ReadStream[] = [];
  for (let nth = 0; nth < count; nth++) read.push(await readStream(load));
  return timesOf(read);
}

function timesOf(read: readonly ReadStream[]): Omit<StreamsResult, 'chunks'> {
  const times = read.map(({ firstMs }) => firstMs);
  const gaps = read.flatMap(({ gapsMs }) => gapsMs);
  return {
    firstP50Ms: quantile(times, 0.5),
    firstP99Ms: quantile(times, 0.99),
    gapP50Ms: quantile(gaps, 0.5),
    gapP99Ms: quantile(gaps, 0.99),
  };
}
